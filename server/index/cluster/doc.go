// Package cluster documents how the live index runs on many machines. It contains no code. Package
// index, the index on one machine, can be read without it.
//
// On one machine a watcher, a worker and an index share a process and communicate over channels. On
// many machines each is a process of its own, and NATS streams replace the channels:
//
//	file server         NATS servers               workers
//	                   +----------------+
//	watch files1 --->  | SEEN           |  --->  a part of a tree: the class of each document
//	watch files2 --->  |                |            |
//	                   | ROWS, CLASS    |  <---------+
//	                   |                |  --->  a share of the classes: the members of each class
//	directory    --->  | DIRECTORY      |  --->      |
//	                   | PEOPLE         |  <---------+
//	                   | FENCE          |  <---  how current each share is
//	                   +----------------+
//	                           |
//	                           v
//	follow: merges ROWS and PEOPLE into a folder, which is queried as on one machine
//
// Packages, in reading order:
//
//   - site: the configuration that all machines share: hosts, trees, shares of the work, and the
//     key and permissions of each role.
//   - broker: a NATS server with these keys and permissions, single or in a cluster.
//   - stages: the programs. Keep creates the streams and deletes messages; Watch, Directory, Work
//     and Follow run.
//   - deploy: the files of each machine, from one site file.
//
// Two files of package index belong here as well, because they write an index's state:
// clusterpart.go processes one share of the work, clustermerge.go merges the shares.
//
// docs/search.md explains how to run a cluster and docs/scale.md its cost. ADR 48 has the reasons
// for this design.
package cluster
