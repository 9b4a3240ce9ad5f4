package broker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/broker"
	"github.com/refmon/refmon/server/index/roster"
)

// domain is a directory that is asked, as a test says.
type domain struct {
	text atomic.Pointer[string] // lines of passwd
	read atomic.Bool            // the present text was read
}

func (d *domain) set(text string) {
	d.text.Store(&text)
	d.read.Store(false)
}

func (d *domain) Since(context.Context, ldap.Mark) (ldap.Mark, bool, error) {
	return ldap.Mark{}, !d.read.Load(), nil
}

func (d *domain) People(_ context.Context, list *accounts.List) error {
	d.read.Store(true)
	return list.Read("passwd", []byte(*d.text.Load()))
}

// TestAloneBehind: with folders on the way tested, and people whom a directory tells by questions,
// parts that work for themselves say what one worker says, class for class, also when a folder's
// descriptor changes that another part has a row of (N-75, N-76).
func TestAloneBehind(t *testing.T) {
	tree, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	r := rand.New(rand.NewPCG(randtest.Seed(t), 75))
	d := &domain{}
	d.set("alice:x:70001:100::/:/bin/sh\nbob:x:70002:100::/:/bin/sh\ncarol:x:70003:100::/:/bin/sh\n")
	var folders []string
	for i := range 12 {
		folder := filepath.Join(tree, fmt.Sprint("d", i))
		if i > 0 {
			folder = filepath.Join(folders[(i-1)/2], fmt.Sprint("d", i))
		}
		folders = append(folders, folder)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for f := range 3 {
			at := filepath.Join(folder, fmt.Sprint("f", f))
			if err := errors.Join(os.WriteFile(at, nil, 0o600), os.Chmod(at, os.FileMode(0o600|r.IntN(64)))); err != nil {
				t.Fatal(err)
			}
		}
	}
	shut := func(of ...string) {
		t.Helper()
		for _, folder := range of {
			if err := os.Chmod(folder, os.FileMode(0o700|r.IntN(64))); err != nil {
				t.Fatal(err)
			}
		}
	}
	shut(folders[3:]...)
	same := func(what string) {
		t.Helper()
		got := answers(t, state, "//files1")
		want := freshOf(t, index.Config{Trees: []string{tree}, Roster: &roster.LDAP{Directory: d, Beat: beat},
			Traverse: index.TraverseAlways})
		hidden := 0
		for at, w := range want {
			if got[at] != w {
				t.Errorf("%s: %s: %q, one worker says %q", what, at, got[at], w)
			}
			if mode, err := os.Stat(at); err == nil && mode.Mode()&4 != 0 && !strings.HasPrefix(w, "abc") {
				hidden++
			}
		}
		if len(got) != len(want) || hidden == 0 {
			t.Errorf("%s: %d documents of %d, %d hidden behind folders", what, len(got), len(want), hidden)
		}
	}
	fences, end := start(t, broker.Alone{Trees: []string{tree}, State: state, Traverse: index.TraverseAlways,
		Roster: &roster.LDAP{Directory: d, Beat: beat}})
	defer end()
	settled := func() { settle(t, fences, "//files1"+tree, "directory") }
	settled()
	same("at the beginning")

	shut(folders[0], folders[4])
	d.set("alice:x:70001:100::/:/bin/sh\nbob:x:70002:101::/:/bin/sh\ncarol:x:70003:100::/:/bin/sh\n")
	settled()
	settled()
	same("afterwards")

	moved := filepath.Join(tree, "moved")
	if err := errors.Join(os.Rename(folders[1], moved), os.RemoveAll(folders[5])); err != nil {
		t.Fatal(err)
	}
	settled()
	settled()
	same("elsewhere")
}
