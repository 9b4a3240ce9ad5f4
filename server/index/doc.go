// Package index maintains a live index of who may read which files, for permission-aware search.
//
// A [watch.Watcher] reports files and their changes. A [Directory] reports the people. A [Worker] decides access and
// emits [Event]s. Each [Sink] stores them. [Run] runs them on one machine:
//
//	err := index.Run(ctx, index.Config{Trees: []string{"/srv"}, Directory: "company.yaml",
//		Rights: "read", State: "/var/lib/refmon-index"})
//
// Config.Query receives an [Index] over the state of the run, which package queries serves to other processes. Any
// other process can also query the files of the run:
//
//	x, err := index.Open("/var/lib/refmon-index", 10*time.Second)
//	answer := x.CanRead("/srv/plan.docx", "alice", "read")
//
// A document's row names its [Class]. The class depends only on the parts of the descriptor that decide access, so
// it is the same on every machine and in every run. A class has its members as of a directory version. A changed
// membership rewrites classes, never rows.
//
// Package cluster and the packages below it run the same stages on many machines. Only clusterpart.go and
// clustermerge.go serve them.
//
// Queries about a tree fail if its last heartbeat (a [Heartbeat]) is older than the limit. Heartbeats pass through all
// stages after the data that they cover, so a query detects a stage that hangs. The rules are in
// docs/rules/101-index.md; N-1 to N-11 are the basic ones.
//
// Run owns a Worker and its sinks in one goroutine, and each Watcher has its own. An [Index] is safe for concurrent
// use.
package index
