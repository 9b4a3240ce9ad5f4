package daemon_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/treefs"
)

// TestTreeFSPassesFstestOverConnection checks package treefs on a connection's thread: package fstest finds no error,
// net/http serves the files with the client's rights, denied files fail, and every call fails after
// the connection has ended (F-190, W-9, W-10).
func TestTreeFSPassesFstestOverConnection(t *testing.T) {
	d := startWithTree(t, hostfs.HandOutNothing, nil)
	c := d.dial()
	th, err := c.NewThread()
	check.NoError(t, err)
	describe(t, d.tree, "O:SYG:SYD:P(A;OICI;FA;;;WD)")
	describe(t, filepath.Join(d.tree, "a"), "O:SYG:SYD:P(A;OICI;FA;;;WD)")
	files := treefs.New(th, "share")
	check.NoError(t, files.Mkdir("docs"))
	put := func(name, text string) {
		t.Helper()
		f, err := files.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC)
		check.NoError(t, err)
		_, err = f.Write([]byte(text))
		check.NoError(t, errors.Join(err, f.Close()))
	}
	put("docs/open", "for all")
	put("docs/shut", "hers")
	docs, err := fs.Sub(files, "docs")
	check.NoError(t, err)
	check.NoError(t, fstest.TestFS(docs, "open", "shut"))
	check.NoError(t, files.Rename("docs/open", "docs/plan", false))
	if b, err := os.ReadFile(filepath.Join(d.tree, "docs", "plan")); err != nil || string(b) != "for all" {
		t.Errorf(`the file below holds %q, %v, want "for all", no error`, b, err)
	}
	describe(t, filepath.Join(d.tree, "docs", "shut"), "O:SYG:SYD:P(A;;FA;;;S-1-5-21-1-2-3-1107)")
	describe(t, filepath.Join(d.tree, "docs"), "O:SYG:SYD:P(A;OICI;0x1200a9;;;WD)")
	check.ErrorIs(t, check.Err(fs.ReadFile(files, "docs/shut")), fs.ErrPermission,
		"ReadFile of a file that the client may not read")
	check.ErrorIs(t, files.Remove("docs/shut"), fs.ErrPermission, "Remove of a file that the client may not delete")
	for path, want := range map[string]int{"/docs/plan": http.StatusOK, "/docs/shut": http.StatusForbidden,
		"/docs/none": http.StatusNotFound} {
		w := httptest.NewRecorder()
		http.FileServerFS(files).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		check.Equal(t, w.Code, want, "GET %s", path)
	}
	_ = c.Close()
	check.That(t, check.Err(files.Stat("docs/plan")) != nil, "W-9: a call on a lost connection succeeds")
}
