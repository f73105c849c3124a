"""Exported models: a float graph, and the encoding of raw rows as a documented JSON file.

The modules from `predictor` to `farm_hash` do not import TensorFlow or Keras.

- `predictor`: Loads an exported model and predicts with it.
- `engines`: Runs a graph in NumPy, ONNX Runtime, LiteRT or TensorFlow.
- `encoding`: The file encoding.json.
- `encoders`: Raw columns as float arrays, in NumPy.
- `tokens`: Words and character n-grams of texts, as hashes.
- `farm_hash`: FarmHash fingerprints of strings.
- `graph`: A network as a list of operators; their evaluation in NumPy.
- `keras_graph`: The graph of a Keras network.
- `keras_model`: Encoders, network and answer of a saved Keras model.
- `onnx_file`: A graph as an ONNX model.
- `tensorflow_files`: A graph as a LiteRT model, and a model from raw rows as a SavedModel.
- `sample_rows`: Rows on which an export is checked.
- `export`: Writes an export of a run, and checks it.
"""
