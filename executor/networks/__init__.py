"""Network architectures, one per module.

- `build`: Builds the network of a trial.
- `registry`: The kinds of networks, and the choice between them.
- `tabular`: Tables: periodic features, input scale, hidden layers.
- `stacked_tabular`: The network for tables, for many trials in one graph.
- `cnn`: Images: a residual convolutional network.
- `pretrained`: Images: a pretrained backbone of keras.applications.
- `sequence`: Sequences: InceptionTime and gated recurrent units.
- `text`: Texts: a bag of n-grams, and convolutions over words.
- `forecaster`: Forecasts: linear, multilayer perceptron and gated recurrent units.
- `custom`: Own architectures, whose function adds the hidden layers.
- `starts`: Linear models at which networks start.
- `column_branch`: Embeddings of categories; further columns next to images or sequences.
- `output_layer`: The output layer and its initial bias.
"""
