EXTRA_DIST += quickstart \
  examples/perceptron.nn examples/xor.nn examples/spiral.nn examples/iris.nn examples/penguins.nn \
  examples/nielsen.nn examples/digits_mlp.nn examples/digits_cnn.nn
EXTRA_DIST += examples/lenet.nn examples/alexnet.nn examples/vgg11.nn examples/resnet18.nn examples/resnet50.nn \
  examples/mobilenet_v2.nn examples/efficientnet_b0.nn examples/unet.nn \
  examples/autoencoder.nn examples/vae.nn examples/siamese.nn examples/diffusion.nn examples/evoformer.nn \
  examples/pinn.nn
EXTRA_DIST += examples/gpt.nn examples/llama.nn examples/lstm.nn examples/rnn.nn examples/gru.nn examples/encoder.nn \
  examples/skipgram.nn
EXTRA_DIST += examples/low_digits.nn examples/transfer.nn examples/gan.nn
EXTRA_DIST += examples/zoo

# Built with the tests, so that it keeps compiling.
check_PROGRAMS += examples/train_and_predict
check_PROGRAMS += examples/classify
check_PROGRAMS += examples/stream
examples_classify_SOURCES = examples/classify.c
examples_classify_CPPFLAGS = -I$(top_srcdir)/lib
examples_classify_LDADD = lib/libnacre.la
examples_stream_SOURCES = examples/stream.c
examples_stream_CPPFLAGS = -I$(top_srcdir)/lib
examples_stream_LDADD = lib/libnacre.la
examples_train_and_predict_SOURCES = examples/train_and_predict.c
examples_train_and_predict_CPPFLAGS = -I$(top_srcdir)/lib
examples_train_and_predict_LDADD = lib/libnacre.la
