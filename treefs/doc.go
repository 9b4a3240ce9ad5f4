// Package treefs gives Go programs access to the files of a tree. It has names with
// slashes, the interfaces of packages io and io/fs, and errors for errors.Is. Each open
// uses the identity of a thread, and only the services of the kernel decide.
//
//	th, err := process.NewThreadAs(client) // or a thread of client.Dial that impersonates
//	defer th.Close()
//	files := treefs.New(th, "share")
//	http.FileServerFS(files).ServeHTTP(w, r)
//
// An [FS] opens, creates, removes, renames and lists files. A [File] is one open, and the
// rights granted at the open decide all later operations. Names are those of package path:
// "." or "/" is the root, a leading slash is ignored, and ".." does not leave the root. No
// name contains a backslash.
//
// An FS acts as one client. A server creates one for each request or session, on a separate
// thread, and closes that thread after the files.
//
// Guards: caller.mu is held during each call, because a thread makes one call at a time.
// File.mu is held while a file's position is used, and is taken before caller.mu.
package treefs
