# SPDX-License-Identifier: Apache-2.0
# Read by cpack, once for each generator: whom the headers belong to, to the letter.

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libmachclient1 (= ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
