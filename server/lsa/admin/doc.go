// Package admin implements the JSON requests of `refmond account` to a running daemon. A request
// runs in the name of the token's user, who must have Administrators enabled. A change is durable
// before the response (L-39) and is recorded (L-50).
//
//	answers := admin.Answerer{Store: store}
//	body, st := answers.Answer(process.Token(), request)
//
//	text, err := admin.Fetch(conn.Administer, admin.Request{Do: admin.ListAccounts})
//
// An Answerer has no state of its own, so many goroutines may use it.
package admin
