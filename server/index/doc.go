// Package index keeps who may read what of trees of files as it changes: a live index for
// permission-aware search.
//
// A [Watcher] tells what the files of a tree are and what has changed, a [Directory] who
// the people are, a [Worker] decides and makes [Event]s of it, and each [Sink] keeps
// them. [Run] runs them on one machine:
//
//	err := index.Run(ctx, index.Config{Trees: []string{"/srv"}, Directory: "company.yaml",
//		Rights: "read", State: "/var/lib/refmon-index"})
//
// and any other process asks what they have written:
//
//	x, err := index.Open("/var/lib/refmon-index", 10*time.Second)
//	answer := x.CanRead("/srv/plan.docx", "alice", "read")
//
// A document's row names its [Class], which is made of what decides in the descriptor and
// of nothing else, so that it is the same on every machine and in every run. A class has
// its people as of a version of the directory: a changed membership rewrites classes and
// never rows.
//
// Nothing is given of a tree whose last [Beat] is older than the limit: beats pass through
// all stages behind what they vouch for, so that a stage that hangs is noticed by those
// who ask. The rules are N-1 to N-11 of docs/rules/101-index.md.
//
// Guards: Run owns a Worker and its sinks in one goroutine, each Watcher has its own. An
// [Index] may be used by many goroutines.
package index
