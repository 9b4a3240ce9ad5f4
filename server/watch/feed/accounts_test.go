package feed

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// accounts maps uid 1001 and gid 2001 to SIDs of a domain, and no other id.
func accounts(id uint32, group bool) sid.SID {
	switch {
	case id == 1001 && !group, id == 2001 && group:
		return sid.MustParse("S-1-5-21-1-2-3").WithRID(id)
	case group:
		return sid.MustParse("S-1-22-2").WithRID(id)
	}
	return sid.MustParse("S-1-22-1").WithRID(id)
}

// TestCheckAccountsRejectsDifferingSID checks that a directory with another SID for a uid or gid of refmond is an
// error, and that ids without an account are counted, also if they need several questions (N-133).
func TestCheckAccountsRejectsDifferingSID(t *testing.T) {
	many := ""
	for n := range maxIDs {
		many += fmt.Sprintf("- {name: p%d, sid: S-1-5-21-9-9-9-%d, uid: %d}\n", n, 5000+n, 50000+n)
	}
	for _, c := range []struct{ name, users, groups, want, warned string }{
		{"the same", "- {name: a, sid: S-1-5-21-1-2-3-1001, uid: 1001}\n- {name: b, sid: S-1-22-1-7, uid: 7}\n",
			"- {name: g, sid: S-1-5-21-1-2-3-2001, gid: 2001}\n", "", ""},
		{"a user of the host", "- {name: a, sid: S-1-22-1-1001, uid: 1001}\n", "",
			"uid 1001 is S-1-22-1-1001, and refmond says S-1-5-21-1-2-3-1001", ""},
		{"a group of the host", "", "- {name: g, sid: S-1-22-2-2001, gid: 2001}\n",
			"gid 2001 is S-1-22-2-2001, and refmond says S-1-5-21-1-2-3-2001", ""},
		{"no account", "- {name: a, sid: S-1-5-21-9-9-9-7, uid: 7}\n", "- {name: g, sid: S-1-5-21-9-9-9-8, gid: 8}\n", "",
			"no accounts for 2 uids and gids"},
		{"many", many, "- {name: g, sid: S-1-22-2-2001, gid: 2001}\n", "gid 2001", ""},
		{"many without account", many + "- {name: a, sid: S-1-5-21-9-9-9-7, uid: 7}\n", "", "",
			fmt.Sprintf("no accounts for %d uids", maxIDs+1)},
	} {
		d, err := dirfile.Read([]byte("users:\n" + c.users + "groups:\n" + c.groups))
		check.NoError(t, err)
		x := serve(t, &Server{May: admitAll})
		x.server.Trees[x.tree] = Tree{Traverse: "never", Options: tree.Options{Accounts: accounts}}
		warned := ""
		f := Follower{Socket: x.socket, Root: x.tree, Warn: func(err error) { warned += err.Error() }}
		err = f.CheckAccounts(t.Context(), d)
		check.That(t, (err != nil) == (c.want != "") && strings.Contains(fmt.Sprint(err), c.want),
			"N-133: %s: %v, want %q", c.name, err, c.want)
		check.That(t, (warned != "") == (c.warned != "") && strings.Contains(warned, c.warned),
			"N-133: %s: warned %q, want %q", c.name, warned, c.warned)
	}
}

// TestCheckAccountsWaits checks that the check and the watch wait for a server with one message and end with their
// context, and that the check returns a rejection.
func TestCheckAccountsWaits(t *testing.T) {
	d, err := dirfile.Read([]byte("users:\n- {name: a, sid: S-1-22-1-7, uid: 7}\n"))
	check.NoError(t, err)
	warned := make(chan error, 100)
	f := Follower{Socket: t.TempDir() + "/s", Root: "/t", Beat: time.Millisecond, Warn: func(err error) { warned <- err }}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.CheckAccounts(ctx, d) }()
	<-warned
	time.Sleep(20 * time.Millisecond)
	stop()
	if err := <-done; err == nil || len(warned) > 0 {
		t.Errorf("N-133: without a server: %v and %d more messages, want an error and none", err, len(warned))
	}
	ctx, stop = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	check.NoError(t, f.Run(ctx, nil))
	check.Equal(t, len(warned), 1, "messages of a watch without a server")
	x := serve(t, &Server{})
	f.Socket = x.socket
	if err := f.CheckAccounts(t.Context(), d); err == nil || !strings.Contains(err.Error(), "disabled") {
		t.Errorf("N-133: rejected: %v, want the server's reason", err)
	}
	x = serve(t, &Server{May: admitAll}) // without accounts
	f = Follower{Socket: x.socket, Root: x.tree}
	a, err := f.accounts(t.Context(), []directory.AccountID{{ID: 7}, {ID: 7, Group: true}})
	check.That(t, err == nil && fmt.Sprint(a.Users, a.Groups) == "[S-1-22-1-7] [S-1-22-2-7]", "N-133: %+v, %v", a, err)
	if _, err := f.accounts(t.Context(), make([]directory.AccountID, maxIDs+1)); err == nil ||
		!strings.Contains(err.Error(), "at most") {
		t.Errorf("N-133: too many ids: %v", err)
	}
	f.Socket = filepath.Join(t.TempDir(), "s")
	l := check.Must(net.Listen("unix", f.Socket))
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte(`{"users":["S-1-1-0"]}` + "\n"))
			<-t.Context().Done()
			_ = c.Close()
		}
	}()
	_, err = f.accounts(t.Context(), []directory.AccountID{{ID: 7}, {ID: 7, Group: true}})
	check.That(t, err != nil && strings.Contains(err.Error(), "1 SIDs for 2"), "N-133: an answer without a group: %v", err)
}

// TestFailedWatchSaysWhy checks that a follower receives the error that ended the server's watcher (N-132), and none
// after its context has ended.
func TestFailedWatchSaysWhy(t *testing.T) {
	x := serve(t, &Server{May: admitAll})
	check.NoError(t, os.Remove(x.tree))
	warned := make(chan error)
	_, end := x.follow(Follower{Socket: x.socket, Root: x.tree, Beat: time.Hour, Warn: func(err error) { warned <- err }})
	if err := <-warned; !strings.Contains(err.Error(), "refmond ended the watch: ") {
		t.Errorf("N-132: %v, want the reason", err)
	}
	check.NoError(t, end())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	f := Follower{Socket: x.socket, Root: x.tree, Warn: func(err error) { t.Error("after the end: ", err) }}
	check.NoError(t, f.Run(ended, nil))
}

// TestTreeUnderItsOwnMountIsRefused checks that a server rejects the watch of a tree with a FUSE file system over its
// folder, and still answers about accounts (N-132).
func TestTreeUnderItsOwnMountIsRefused(t *testing.T) {
	x := serve(t, &Server{May: admitAll})
	server, err := fs.Mount(x.tree, &fs.Inode{}, nil)
	if err != nil {
		t.Skip("no FUSE file system can be mounted here: ", err)
	}
	defer func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	}()
	f := Follower{Socket: x.socket, Root: x.tree, Warn: func(err error) { t.Error(err) }}
	if err := f.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "is mounted over its own folder") {
		t.Errorf("N-132: %v, want a rejection", err)
	}
	check.Equal(t, check.Err(f.accounts(t.Context(), []directory.AccountID{{ID: 7}})), nil, "N-133")
}
