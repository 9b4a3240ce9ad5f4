// Package postgres keeps a live index in a PostgreSQL database, whose policy shows each
// user the documents of his classes and no others.
//
//	s, err := postgres.Open(ctx, "host=/run/postgresql dbname=search", "/var/lib/refmon-index",
//		10*time.Second)
//	err = index.Run(ctx, index.Config{…, Sinks: []index.Sink{s}})
//
// There are three tables in the schema refmon: documents(id, right_name, tree, class, descriptor,
// seq, at), members(class, sid) and fence(source, seq, at). A session that has set refmon.sid to a
// user's SID sees that user's documents; one that has not sees nothing, and so does every session
// when the fence is older than the limit (N-9). The variable is a filter for trusted code: who can
// send SQL can set it.
//
// Guards: a Sink belongs to the goroutine of the run.
package postgres
