// Package secured puts refmon between golang.org/x/net/webdav and a file
// system: every operation is decided for the user of the request by the
// descriptors of the file, of its directory and of those on the way.
//
//	h := &webdav.Handler{
//		FileSystem: secured.New(webdav.Dir("/srv/files"), descriptors),
//		LockSystem: webdav.NewMemLS(),
//	}
//	http.Handle("/", authenticate(h)) // puts a token in the context: secured.WithToken
//
// It is an example that compiles and is tested, in a module of its own so that
// refmon itself does not depend on golang.org/x/net. What it shows: how flags of
// an open become rights and a disposition, that a missing descriptor is an
// error, that a new file gets the descriptor the decision made for it, and that
// a refusal leaves everything as it was.
//
// Guards: an FS may be used by any goroutine; its mutex makes a decision and
// the change that follows one step.
package secured
