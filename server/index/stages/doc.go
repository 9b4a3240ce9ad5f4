// Package stages runs an index on many machines: the stages of package index, with streams
// of messages in the place of channels.
//
// [Watch] tells of the files of a host, [Directory] of the people, [Work] decides, [Follow]
// keeps in a folder what was decided, where [index.Open] answers as on one machine:
//
//	c, err := stages.Dial(s, site.Watch("files1"), seed, stages.Options{TLS: config})
//	err = stages.Watch(ctx, c, stages.WatchConfig{Host: "files1"})
//
// A share of the work has one log, a subject. A worker that takes a share reads the log and
// writes a new generation behind it; each message is appended with the sequence of the one
// before it, so that a worker that comes late is refused (N-49). What a log says was made of
// which messages stands in it, so that nothing is told twice or left out.
//
// A message counts when its role has signed it for its place (N-43). A [chain] writes such
// messages, a [follower] reads them and counts what it refuses.
//
// Guards: a [Conn] may be used by many goroutines; each share of the work has a goroutine of
// its own.
package stages
