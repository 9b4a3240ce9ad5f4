// Package store is a file system of real files for golang.org/x/net/webdav. Each request acts as its user. The user's
// token and the files' descriptors decide; the package has no access rules.
//
//	h := &webdav.Handler{FileSystem: store.Files{}, LockSystem: webdav.NewMemLS()}
//	http.Handle("/", store.As(process, "share", who, h))
//
// It is a module of its own, because it needs golang.org/x/net, which refmon does not.
package store

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"

	"golang.org/x/net/webdav"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/treefs"
)

// key is the key of the client's files in the context of a request.
type key struct{}

// As passes each request to next as its user. who returns the user's token, nil for an unknown user, who gets 401.
func As(p *kernel.Process, tree string, who func(*http.Request) *token.Token, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		th, err := p.NewThreadAs(who(r))
		if err != nil {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		defer th.Close()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, treefs.New(th, tree))))
	})
}

// Files implements webdav.FileSystem. Its methods panic for a context that is not from a request of As.
type Files struct{}

// of returns the client's files. It panics for a context without them.
func of(ctx context.Context) *treefs.FS { return ctx.Value(key{}).(*treefs.FS) }

// known returns an error of package fs that err wraps, else err, because package webdav compares errors without
// unwrapping.
func known(err error) error {
	for _, k := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission} {
		if errors.Is(err, k) {
			return k
		}
	}
	return err
}

// Mkdir implements webdav.FileSystem.
func (Files) Mkdir(ctx context.Context, name string, _ os.FileMode) error {
	return known(of(ctx).Mkdir(name))
}

// OpenFile implements webdav.FileSystem.
func (Files) OpenFile(ctx context.Context, name string, flag int, _ os.FileMode) (webdav.File, error) {
	f, err := of(ctx).OpenFile(name, flag)
	return f, known(err)
}

// RemoveAll implements webdav.FileSystem.
func (Files) RemoveAll(ctx context.Context, name string) error { return known(of(ctx).RemoveAll(name)) }

// Rename implements webdav.FileSystem.
func (Files) Rename(ctx context.Context, from, to string) error {
	return known(of(ctx).Rename(from, to, false))
}

// Stat implements webdav.FileSystem.
func (Files) Stat(ctx context.Context, name string) (os.FileInfo, error) {
	info, err := of(ctx).Stat(name)
	return info, known(err)
}
