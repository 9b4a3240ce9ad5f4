// Package files is an HTTP server of real files: each request runs as its user, whose
// token and the files' own descriptors decide. There is no access rule of its own here.
//
//	http.ListenAndServeTLS(addr, cert, key, &files.Server{System: sys, Process: p, Tree: "share", Who: who})
package files

import (
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Server serves the tree of that name. Who is the caller of a request, nil for an unknown one.
type Server struct {
	System  *kernel.System
	Process *kernel.Process
	Tree    string
	Who     func(*http.Request) *token.Token
}

// ServeHTTP answers GET and HEAD.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client := s.Who(r)
	if client == nil {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	th, err := s.Process.NewThread()
	if err == nil {
		defer th.Close()
		err = s.System.As(th, client, func() error { return s.get(th, w, r) })
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		http.Error(w, "not for you", http.StatusForbidden)
	case errors.Is(err, fs.ErrNotExist):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, "it cannot be read", http.StatusBadRequest)
	}
}

// get answers a request on a thread that impersonates its user.
func (s *Server) get(th *nt.Thread, w http.ResponseWriter, r *http.Request) error {
	path := strings.Trim(r.URL.Path, "/")
	h, _, st := th.NtCreateFile(nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA | winnt.FILE_READ_ATTRIBUTES,
		CreateDisposition: uint32(fileaccess.FileOpen), ShareAccess: uint32(fileaccess.ShareRead | fileaccess.ShareWrite),
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
			ObjectName: `\??\` + s.Tree + `\` + strings.ReplaceAll(path, "/", `\`)})})
	if st != ntstatus.Success {
		return st.Err()
	}
	defer func() { _ = th.NtClose(h) }()
	facts, st := th.NtQueryInformationFile(h, nt.FileStandardInformation)
	if st != ntstatus.Success {
		return st.Err()
	}
	if f := facts.(nt.FileStandard); !f.Directory {
		http.ServeContent(w, r, path, time.Time{}, io.NewSectionReader(contents{th, h}, 0, f.EndOfFile))
		return nil
	}
	for restart := true; st == ntstatus.Success; restart = false {
		var list []nt.FileEntry
		list, st = th.NtQueryDirectoryFile(h, "", restart)
		for _, e := range list {
			if e.FileName == "." || e.FileName == ".." {
				continue
			}
			link := (&url.URL{Path: "/" + strings.TrimPrefix(path+"/"+e.FileName, "/")}).String()
			_, _ = fmt.Fprintf(w, "<a href=%q>%s</a><br>\n", link, html.EscapeString(e.FileName))
		}
	}
	return nil
}

// contents reads a file that is open on a thread.
type contents struct {
	th *nt.Thread
	h  winnt.Handle
}

// ReadAt implements io.ReaderAt.
func (c contents) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) {
		data, st := c.th.NtReadFileAt(c.h, uint32(min(len(b)-n, 1<<20)), at+int64(n))
		if st == ntstatus.EndOfFile {
			return n, io.EOF
		} else if st != ntstatus.Success {
			return n, st.Err()
		}
		n += copy(b[n:], data)
	}
	return n, nil
}
