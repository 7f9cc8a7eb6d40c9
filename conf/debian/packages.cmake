# SPDX-License-Identifier: Apache-2.0
# Debian packages, made with `cpack -G DEB` of a build with the preset debian: machd, machctl,
# libmachclient1 and libmachclient-dev. They are the components of the install() rules, and what a
# Debian package has besides: a changelog, a licence, scripts that enable the socket.

if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    message(FATAL_ERROR "packages need -DCMAKE_INSTALL_PREFIX=/usr, as the preset debian has it")
endif()
set(debian "${CMAKE_CURRENT_LIST_DIR}")

set(CPACK_PACKAGE_NAME machd)
set(CPACK_PACKAGE_VENDOR machd)
# Who makes packages for others says who answers for them, as Debian's own tools want it. Otherwise
# it is nobody: addresses that end in .invalid never are anybody's.
if(DEFINED ENV{DEBFULLNAME} AND DEFINED ENV{DEBEMAIL})
    set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
else()
    set(CPACK_PACKAGE_CONTACT "Local build of machd <nobody@machd.invalid>")
endif()
configure_file("${debian}/changelog" "${CMAKE_CURRENT_BINARY_DIR}/debian/changelog" @ONLY)
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_SET_DESTDIR ON) # for what goes to /etc
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL daemon inspector library development)
set(CPACK_PRE_BUILD_SCRIPTS "${debian}/polish.cmake")

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# machd_package(component name section summary text): what dpkg is to know of it.
macro(machd_package component name section summary text)
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
    set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
    set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${text}")
    install(FILES "${debian}/copyright" DESTINATION share/doc/${name} COMPONENT ${component})
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/debian/changelog" DESTINATION share/doc/${name} COMPONENT ${component}
        RENAME changelog.Debian)
endmacro()

machd_package(daemon machd admin "Mach IPC for Linux: the daemon"
    "machd hosts Mach ports for the processes of a machine: message queues with
capabilities, as macOS has them. It is started by the first program that
connects, runs as a user of its own, and needs no kernel module.")
machd_package(inspector machctl admin "Mach IPC for Linux: a look into the daemon"
    "machctl shows who talks to whom through machd: tasks, their ports and rights,
queues, service names, and every message as it goes by.")
machd_package(library libmachclient1 libs "Mach IPC for Linux: the library of clients"
    "The calls of Mach, such as mach_msg and bootstrap_look_up, for programs that
talk through machd.")
machd_package(development libmachclient-dev libdevel "Mach IPC for Linux: headers for clients"
    "Headers under the names that Mach sources use, and the manual pages of all
calls.")

set(CPACK_DEBIAN_DAEMON_PACKAGE_DEPENDS
    "procps, systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_DAEMON_PACKAGE_RECOMMENDS "dbus, machctl, polkitd")
set(CPACK_DEBIAN_DAEMON_PACKAGE_CONTROL_EXTRA
    "${debian}/conffiles;${debian}/postinst;${debian}/prerm;${debian}/postrm")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS machd)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${debian}/triggers")
# cpack may be told another release, so it says the version as late as that.
set(CPACK_PROJECT_CONFIG_FILE "${debian}/versions.cmake")

install(FILES "${debian}/../machd.conf" DESTINATION "${CMAKE_INSTALL_FULL_SYSCONFDIR}/machd" COMPONENT daemon)
install(DIRECTORY DESTINATION "${CMAKE_INSTALL_FULL_SYSCONFDIR}/machd/machd.conf.d"
    COMPONENT daemon)

include(CPack)
