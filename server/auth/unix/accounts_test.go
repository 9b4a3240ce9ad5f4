package unix_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// uid and gid are numbers that no user has here.
const uid, gid = 4711, 4712

// TestPeerTokenWithoutStoreIsComplete checks the complete token of a peer without an account store (L-51, W-15).
func TestPeerTokenWithoutStoreIsComplete(t *testing.T) {
	plain, full := token.StandardUser(sid.MustParse("S-1-22-1-4711")), token.Administrator(sid.MustParse("S-1-22-1-4711"))
	peer, own := unix.Peer{UID: uid, GID: gid}, []string{"S-1-22-2-4712"}
	tcb := winnt.SeTcbPrivilege.Bit()
	for _, c := range []struct {
		what   string
		a      unix.Accounts
		p      unix.Peer
		full   bool
		kind   token.Spec // the expected user; the zero value: rejected
		held   winnt.PrivilegeSet
		groups []string
	}{
		{"a user", unix.Accounts{}, peer, false, plain, 0, own},
		{"an administrator's group number", unix.Accounts{Administrators: []uint32{gid}}, peer, false, plain, 0, own},
		{"an administrator", unix.Accounts{Administrators: []uint32{1, uid}}, peer, false, full, 0, own},
		{"an administrator, full", unix.Accounts{Administrators: []uint32{uid}}, peer, true, full, 0, own},
		{"a user, full", unix.Accounts{Administrators: []uint32{gid}}, peer, true, token.Spec{}, 0, nil},
		{"an empty list, full", unix.Accounts{}, unix.Peer{UID: 0, GID: 0}, true, token.Spec{}, 0, nil},
		{"with a privilege", unix.Accounts{Privileges: map[uint32]winnt.PrivilegeSet{uid: tcb, gid: 1 << 20}}, peer,
			false, plain, tcb, own},
		{"groups in their order", unix.Accounts{}, unix.Peer{UID: uid, GID: gid, Groups: []uint32{9, gid, 7, 65534}},
			false, plain, 0, []string{"S-1-22-2-4712", "S-1-22-2-9", "S-1-22-2-7", "S-1-22-2-65534"}},
		{"the host's superuser", unix.Accounts{}, unix.Peer{}, false, token.StandardUser(sid.MustParse("S-1-22-1-0")),
			0, []string{"S-1-22-2-0"}},
	} {
		c.p.Known = true
		r, err := c.a.LogOn(&c.p, c.full)
		if c.kind.User.SID.IsZero() {
			if !errors.Is(err, fs.ErrPermission) || !r.Token.User.SID.IsZero() ||
				err.Error() != fmt.Sprintf("uid %d is not an administrator: %v", c.p.UID, ntstatus.AccessDenied.Err()) {
				t.Errorf("L-51: %s: %v, %v", c.what, r.Token.User, err)
			}
			continue
		}
		var groups []string
		for _, g := range r.Token.Groups[min(len(c.kind.Groups), len(r.Token.Groups)):] {
			check.That(t, g.Attributes == 7, "W-15: %s: %v has %#x, want %#x", c.what, g.SID, g.Attributes, 7)
			groups = append(groups, g.SID.String())
		}
		// The last groups are those of an interactive logon of a local account (L-81, L-84).
		wanted := append(slices.Clone(c.groups), "S-1-2-1", "S-1-5-113")
		if c.kind.Integrity == full.Integrity {
			wanted = append(wanted, "S-1-5-114")
		}
		s := r.Token
		if err != nil || s.User != c.kind.User || !slices.Equal(s.Groups[:len(c.kind.Groups)], c.kind.Groups) ||
			!slices.Equal(groups, wanted) || s.Source.Name != "unix" || r.Linked != nil ||
			s.Privileges != c.kind.Privileges|c.held || s.EnabledPrivileges != c.kind.EnabledPrivileges|c.held ||
			s.DefaultPrivileges != c.kind.DefaultPrivileges|c.held || s.Integrity != c.kind.Integrity ||
			s.PrimaryGroup.String() != c.groups[0] {
			t.Errorf("W-15: %s: %v, groups %v, primary group %v, %v", c.what, s.User, groups, s.PrimaryGroup, err)
		}
	}
	// No file belongs to an unmapped group.
	if r, err := (unix.Accounts{}).LogOn(&unix.Peer{Known: true, UID: uid, GID: 65534}, false); err != nil ||
		!r.Token.PrimaryGroup.Equal(token.StandardUser(r.Token.User.SID).PrimaryGroup) {
		t.Errorf("W-15: with an unmapped group: primary group %v, %v", r.Token.PrimaryGroup, err)
	}
	// 65534 is Anonymous, listed or not, and never an administrator (L-25).
	listed := unix.Accounts{Administrators: []uint32{65534}, Privileges: map[uint32]winnt.PrivilegeSet{65534: tcb}}
	overflow := &unix.Peer{Known: true, UID: 65534, GID: 100}
	if r, err := listed.LogOn(overflow, false); err != nil || r.Token.User.SID != sid.Anonymous ||
		r.Token.Privileges.Has(winnt.SeTcbPrivilege) ||
		slices.ContainsFunc(r.Token.Groups, func(g token.Group) bool { return g.SID.Authority() == 22 }) {
		t.Errorf("W-15: 65534 is %v in %v, %v, want %v without a group of the host", r.Token.User, r.Token.Groups, err,
			sid.Anonymous)
	}
	if r, err := listed.LogOn(overflow, true); !errors.Is(err, fs.ErrPermission) ||
		!r.Token.User.SID.IsZero() {
		t.Errorf("W-15: 65534 is %v, %v", r.Token.User, err)
	}
}

// open opens a new store.
func open(t *testing.T, hosts lsa.Hosts) *lsa.Store {
	t.Helper()
	s, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{}, Hosts: hosts,
		Password: lsa.Hashing{Memory: 8, Passes: 1}})
	check.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// stored opens a store with an account for uid and a disabled account for gid.
func stored(t *testing.T) (*lsa.Store, sid.SID) {
	t.Helper()
	s := open(t, nil)
	alice, out := uint32(uid), uint32(gid)
	var id sid.SID
	check.NoError(t, s.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		id = e.AddAccount(lsa.Account{Name: "alice", UID: &alice})
		e.AddAccount(lsa.Account{Name: "out", UID: &out, Disabled: true})
		return nil
	}))
	return s, id
}

// TestPeerGetsFullOrLimitedToken checks which of its two tokens a peer gets, depending on the store, the
// configured list and the socket (L-5, L-7, L-51), and the errors. 65534 is Anonymous (L-25).
func TestPeerGetsFullOrLimitedToken(t *testing.T) {
	s, alice := stored(t)
	me := uint32(os.Getuid()) // the owner of the state folder is an administrator of the store
	denied := "is not an administrator: " + ntstatus.AccessDenied.Err().Error()
	disabled := ntstatus.AccountDisabled.Err().Error()
	const limited, full = winnt.TokenElevationTypeLimited, winnt.TokenElevationTypeFull
	for _, c := range []struct {
		what      string
		listed    []uint32
		p         unix.Peer
		full      bool
		elevation uint32 // of the token; 0 and the default: without a pair
		failed    string // the error; "" for none
		account   string
	}{
		{"alice", nil, unix.Peer{UID: uid, GID: 7, Groups: []uint32{8}}, false, 0, "", "alice"},
		{"alice at the administrators' socket", []uint32{7}, unix.Peer{UID: uid, GID: 7}, true, 0, "uid 4711 " + denied,
			"alice"},
		{"alice, listed", []uint32{1, uid}, unix.Peer{UID: uid, GID: 7}, false, limited, "", "alice"},
		{"alice, listed, at the administrators' socket", []uint32{uid}, unix.Peer{UID: uid, GID: 7}, true, full, "",
			"alice"},
		{"the store's owner", nil, unix.Peer{UID: me, GID: 7}, false, limited, "", ""},
		{"the store's owner, at the administrators' socket", nil, unix.Peer{UID: me, GID: 7}, true, full, "", ""},
		{"a disabled account", []uint32{gid}, unix.Peer{UID: gid, GID: uid}, true, 0, "uid 4712: " + disabled, "out"},
		{"a disabled account, without the administrators' socket", nil, unix.Peer{UID: gid, GID: uid}, false, 0,
			"uid 4712: " + disabled, "out"},
		{"a uid without an account at the administrators' socket", nil, unix.Peer{UID: 4713, GID: 7}, true, 0,
			"uid 4713 " + denied, ""},
		{"one without a number", nil, unix.Peer{UID: 65534, GID: 7}, false, winnt.TokenElevationTypeDefault, "",
			"ANONYMOUS LOGON"},
		{"one without a number at the administrators' socket", []uint32{65534}, unix.Peer{UID: 65534, GID: 7}, true, 0,
			"uid 65534 " + denied, "ANONYMOUS LOGON"},
	} {
		c.p.Known = true
		r, err := unix.Stored{Store: s, Administrators: c.listed}.LogOn(&c.p, c.full)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != c.failed || c.account != "" && r.Account.Name != c.account ||
			(text != "") != r.Token.User.SID.IsZero() {
			t.Errorf("L-51: %s: %q, %+v, want %q", c.what, text, r.Account, c.failed)
		}
		if text != "" {
			continue
		}
		if r.Token.ElevationType != c.elevation || (r.Linked != nil) != (c.elevation > winnt.TokenElevationTypeDefault) ||
			r.Linked != nil && r.Linked.ElevationType != limited+full-c.elevation {
			t.Errorf("L-5: %s: elevation %d, linked %t, want elevation %d", c.what, r.Token.ElevationType, r.Linked != nil,
				c.elevation)
		}
		if c.p.UID == 65534 {
			check.Equal(t, r.Token.User.SID, sid.Anonymous, "L-25: the user of uid 65534")
			continue
		}
		check.Equal(t, r.Token.Type, winnt.TokenPrimary, "%s: the type of the token", c.what)
		for _, g := range append(slices.Clone(c.p.Groups), c.p.GID) {
			want := sid.MustParse(fmt.Sprint("S-1-22-2-", g))
			check.That(t, slices.ContainsFunc(r.Token.Groups, func(g token.Group) bool { return g.SID == want }),
				"L-8: %s: the token has no group %v", c.what, want)
		}
		check.That(t, c.account != "alice" || r.Token.User.SID == alice, "L-27: %s is %v", c.what, r.Token.User)
	}
}
