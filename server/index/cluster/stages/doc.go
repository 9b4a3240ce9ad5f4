// Package stages runs an index on many machines. It has the stages of package index, connected by
// streams of messages instead of channels.
//
// [Keep] creates the streams. [Watch] reports the files of a host, [Directory] publishes the
// directory, and [Work] computes rows and class members. [Follow] stores the results in an
// [index.RowStore], or in a folder, which [index.Open] reads as on one machine:
//
//	c, err := stages.Dial(s, site.Watch("files1"), seed, stages.Options{TLS: config})
//	err = stages.Watch(ctx, c, stages.WatchConfig{Host: "files1"})
//
// Each share of the work has one log, which is one subject. A worker that takes a share reads the
// log and appends a new generation. Each append names the sequence of the message before it, so the
// server rejects an outdated worker (N-49). The log also records the input messages of each result,
// so that nothing is processed twice or left out.
//
// A message is valid only if its role signed it for its position (N-43). A [chain] writes such
// messages. A [follower] reads them and counts invalid ones.
//
// A [Conn] may be used by many goroutines. Each share has its own goroutine.
package stages
