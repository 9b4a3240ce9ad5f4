// Package files is an HTTP server of real files. Each request runs as its user. The user's token and the files'
// descriptors decide; the package has no access rules.
//
//	http.ListenAndServeTLS(addr, cert, key, &files.Server{Process: p, Tree: "share", Who: who})
package files

import (
	"net/http"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/treefs"
)

// Server serves the tree with a name. Who returns the caller of a request, nil for an unknown one.
type Server struct {
	Process *kernel.Process
	Tree    string
	Who     func(*http.Request) *token.Token
}

// ServeHTTP serves GET and HEAD with ranges and listings. It answers 403 for a denial and 401 for an unknown caller.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client := s.Who(r)
	if client == nil {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	th, err := s.Process.NewThreadAs(client)
	if err != nil {
		http.Error(w, "not for you", http.StatusForbidden)
		return
	}
	defer th.Close()
	http.FileServerFS(treefs.New(th, s.Tree)).ServeHTTP(w, r)
}
