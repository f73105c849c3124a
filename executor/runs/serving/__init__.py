"""The HTTP server of `recommend serve`.

- `limits`: Limits of a server, types of bodies, and options of a request.
- `json_rows`: Rows of a JSON body, and their Arrow table.
- `array_rows`: Images and sequences of a request, in JSON, forms and .npz.
- `fast_rows`: Rows of plain JSON values, read without DuckDB.
- `batches`: One model call for all requests that wait.
- `service`: A run in memory, and its predictions.
- `known_values`: Example row and known categories, from the layers of the model.
- `responses`: Predictions as JSON and CSV.
- `openapi`: OpenAPI schema from the signature.
- `metrics`: Prometheus metrics.
- `app`: The FastAPI application.
- `server`: uvicorn on a socket, until a signal.
"""
