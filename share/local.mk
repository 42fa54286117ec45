# Maps of names, part of the library: `weights w = safetensors("…", names = "torchvision")`.
NC_NAME_MAPS = $(sort $(wildcard $(srcdir)/share/names/*.map))
EXTRA_DIST += share/names
nodist_lib_libtrain_la_SOURCES += share/name_maps.c
BUILT_SOURCES += share/name_maps.c
CLEANFILES += share/name_maps.c
share/name_maps.c: $(NC_NAME_MAPS) $(srcdir)/kernels/embed.sh
	$(AM_V_GEN)mkdir -p share && $(SHELL) $(srcdir)/kernels/embed.sh nc_name_maps $(NC_NAME_MAPS) >$@.tmp && mv $@.tmp $@
