# The trainer: runs, checkpoints, and all of nacre.h.
noinst_LTLIBRARIES += lib/libtrain.la
NC_LAYERS += lib/libtrain.la
lib_libtrain_la_SOURCES = \
  lib/version.c \
  lib/train/model.h \
  lib/train/open.c \
  lib/train/engine.c \
  lib/train/initial.h lib/train/initial.c \
  lib/train/divide.c \
  lib/train/described.h \
  lib/train/described.c \
  lib/train/decode.h \
  lib/train/decode.c \
  lib/train/feed.c \
  lib/train/filter.c \
  lib/train/checkpoint.h \
  lib/train/checkpoint.c \
  lib/train/weights.h \
  lib/train/weights.c \
  lib/train/run.h \
  lib/train/run.c \
  lib/train/record.c \
  lib/train/resolved.h \
  lib/train/resolved.c \
  lib/train/card.c \
  lib/train/runs.c \
  lib/train/seeds.c \
  lib/train/student.h \
  lib/train/student.c \
  lib/train/diff.c \
  lib/train/new.h lib/train/new.c \
  lib/train/new_images.c \
  lib/train/new_arrays.c \
  lib/train/new_target.c \
  lib/train/new_table.c \
  lib/train/new_series.c \
  lib/train/syntax.c \
  lib/train/walk.h \
  lib/train/loop.c \
  lib/train/plateau.h \
  lib/train/plateau.c \
  lib/train/stage.c \
  lib/train/broken.c lib/train/guards.c lib/train/overfit.c \
  lib/train/score.c \
  lib/train/predict.h lib/train/predict.c lib/train/predict_images.c \
  lib/train/task.c \
  lib/train/output.h \
  lib/train/output.c \
  lib/train/tokens.h \
  lib/train/tokens.c \
  lib/train/look.c \
  lib/train/testing.c \
  lib/train/work.h \
  lib/train/work.c \
  lib/train/limits.c \
  lib/train/profile.c \
  lib/train/bench.c \
  lib/train/tune.h \
  lib/train/tune.c \
  lib/train/tune_run.c \
  lib/train/tune_case.c \
  lib/train/plain.h \
  lib/train/explain.c \
  lib/train/reference.c \
  lib/train/indices.c \
  lib/train/plain.c \
  lib/train/devices.c \
  lib/train/families.h \
  lib/train/families.c \
  lib/train/doctor.c

# Pictures and reports.
lib_libtrain_la_SOURCES += \
  lib/show/picture.h \
  lib/show/picture.c \
  lib/show/picture_dot.c \
  lib/show/picture_model.c \
  lib/show/picture_plan.c \
  lib/show/picture_layers.c \
  lib/show/graphviz.c \
  lib/show/draw.c \
  lib/show/html.h \
  lib/show/html.c \
  lib/show/chart.c \
  lib/show/report.h \
  lib/show/report.c \
  lib/show/report_run.c \
  lib/show/report_graph.c \
  lib/show/report_rows.c \
  lib/show/report_curves.c \
  lib/show/report_classes.c \
  lib/show/report_values.c \
  lib/show/report_plane.c \
  lib/show/report_samples.c \
  lib/show/report_weights.c \
  lib/show/report_about.c

# The style of reports is part of the library, and of every report.
EXTRA_DIST += lib/show/report.css
nodist_lib_libtrain_la_SOURCES = lib/show/style.c
BUILT_SOURCES += lib/show/style.c
CLEANFILES += lib/show/style.c
lib/show/style.c: $(srcdir)/lib/show/report.css $(srcdir)/kernels/embed.sh
	$(AM_V_GEN)mkdir -p lib/show && $(SHELL) $(srcdir)/kernels/embed.sh nc_report_style $(srcdir)/lib/show/report.css >$@.tmp && mv $@.tmp $@
