// Package webdav compares refmon-gateway's WebDAV with golang.org/x/net/webdav on the same files, in one run. It is a
// module of its own: only this comparison needs x/net/webdav.
//
//	go -C bench/webdav test -run '^$' -bench . (as root)
package webdav
