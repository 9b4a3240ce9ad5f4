// Package cache stores a bounded number of values that are costly to make, such
// as the token of a session or the descriptor of a file.
//
// A [Cache] maps keys to values. When it is full, it removes the least recently
// used value. Store only values that never change, such as tokens and
// descriptors. The key must identify everything the value was made from: the
// bytes of a descriptor, the session of a token. Do not store decisions, because
// they depend on more data than fits into a key.
//
//	descriptors := cache.New[string, *sd.Descriptor](10_000)
//	d, err := descriptors.Get(string(stored), func() (*sd.Descriptor, error) { return sd.Decode(stored) })
//
// Guards: any goroutine may use a Cache. Get holds no lock while it calls make.
package cache
