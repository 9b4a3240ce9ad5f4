// Package cache keeps what is costly to make and asked for again, such as the
// token of a session or the descriptor of a file, in a bounded number.
//
// A [Cache] maps keys to values. When it is full, the value that was asked for
// least recently goes. Keep values that never change, as tokens and descriptors
// are, under keys that say all of what they were made of: the descriptor under
// its bytes, the token under the session. Keep no decisions: a decision depends
// on more than one would put into a key.
//
//	descriptors := cache.New[string, *sd.Descriptor](10_000)
//	d, err := descriptors.Get(string(stored), func() (*sd.Descriptor, error) { return sd.Decode(stored) })
//
// Guards: any goroutine may use a Cache; no lock is held while a value is made.
package cache
