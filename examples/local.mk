EXTRA_DIST += quickstart \
  examples/perceptron.nn examples/xor.nn examples/spiral.nn examples/iris.nn examples/penguins.nn \
  examples/nielsen.nn examples/digits_mlp.nn examples/digits_cnn.nn
