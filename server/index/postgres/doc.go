// Package postgres writes a live index to a PostgreSQL database. A row-level security policy shows
// each user only the documents of the user's classes.
//
//	s, err := postgres.Open(ctx, "host=/run/postgresql dbname=search", "/var/lib/refmon-index",
//		10*time.Second)
//	err = index.Run(ctx, index.Config{…, Sinks: []index.Sink{s}})
//
// The schema refmon has the tables documents(id, right_name, tree, class, descriptor, seq, at),
// classes(class, name), members(class, sid) and fence(source, seq, at). A class is a number. A
// session that has set refmon.sid to a user's SID sees that user's documents. A session without it
// sees nothing. No session sees the documents of a tree while the heartbeat of the tree, or of the
// directory, is older than the limit (N-9). The variable is a filter for trusted code: whoever can send SQL can set it.
//
// A [Store] is the sink of a follower that holds no rows in memory. Its documents have one more column, part, and a
// partition for each tree. The table cursors has the position in each part's log.
//
// A Sink or Store belongs to the goroutine of the run.
package postgres
