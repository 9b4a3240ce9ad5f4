// Package treefs is the files of a tree as programs in Go use them: names with slashes, the
// interfaces of packages io and io/fs, and errors that errors.Is knows. Each name is opened
// as whom a thread acts as, and nothing but the services of the kernel decides.
//
//	th, err := process.NewThreadAs(client) // or a thread of client.Dial that impersonates
//	defer th.Close()
//	files := treefs.New(th, "share")
//	http.FileServerFS(files).ServeHTTP(w, r)
//
// An [FS] opens, makes, removes, renames and tells; a [File] is an open of it, and what was
// granted then decides about all that follows. Names are those of package path: "." or "/"
// is the root, a slash at the beginning counts for nothing, and ".." leads no higher than
// the root. A backslash is in no name.
//
// An FS acts as one client. A server makes one for each request or session, on a thread of
// its own, and closes that thread after the files.
//
// Guards: FS.mu is held during each call, for a thread makes one at a time; File.mu while a
// file's position is used, and before FS.mu.
package treefs
