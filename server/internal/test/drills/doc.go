// Package drills rehearses what goes wrong on an operator's machine, with the built programs: a restore onto an empty
// machine, full disks, exhausted inodes and descriptors, clocks that jump, long mixed load, and other file systems.
//
// A drill runs refmond, refmon-gateway, refmon-index and refmond mount in a root folder of their own (chroot), with the
// paths that the documents name. docs/reliability.md has the results, and `make soak` runs each drill at full size.
package drills
