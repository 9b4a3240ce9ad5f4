// Package queries serves questions about a live index over HTTP on a Unix socket, and asks them. A run answers from
// its own state, so that nobody reads the log again for each question.
//
//	s, err := queries.Listen(queries.Config{Index: x, Socket: filepath.Join(state, queries.SocketName), Private: true})
//	defer s.Close()
//
//	c, err := queries.Dial(state)
//	answers, err := c.CanRead([]string{"/srv/plan.docx"}, queries.Subject{Who: "alice"}, "read")
//
// Each question is a POST of one JSON object, and so is each answer: /v1/can-read, /v1/why, /v1/filter, /v1/status and
// /v1/listed. An unknown, repeated or miscapitalized field is an error, and so is a missing one that has no default.
//
// The kernel's credentials of the peer decide who may ask. Root, the user of the run and the users in Config.Ask may
// ask about everybody. All others may ask about the one person of the directory with their uid, and learn nothing about
// documents that this person may not read (N-98).
//
// What a client makes the server hold is charged to its uid: connections, and questions that are answered at a time
// (N-99). The server closes connections that are slow or silent.
//
// A [Server] and a [Client] are safe for concurrent use.
package queries
