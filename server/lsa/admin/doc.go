// Package admin has the requests about accounts that a daemon answers while it
// runs, as JSON: what `refmond account` asks. Each is made in the name of the
// token's user, who must have Administrators enabled; a change is durable before
// it is answered (L-39) and a record (L-50).
//
//	answers := admin.Answerer{Store: store}
//	body, st := answers.Answer(process.Token(), request)
//
//	text, err := admin.Fetch(conn.Administer, admin.Request{Do: admin.ListAccounts})
//
// Guards: an Answerer is used from many goroutines; it has no state of its own.
package admin
