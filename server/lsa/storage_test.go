package lsa

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestDamagedRecordIsNamedInOpenError checks that a store with one invalid record does not open, and that the error
// names the record.
func TestDamagedRecordIsNamedInOpenError(t *testing.T) {
	good := open(t, nil)
	alice := good.account(t, Account{Name: "alice"}, "p")
	check.NoError(t, good.Close())
	file, err := os.ReadFile(filepath.Join(good.cfg.Folder, File))
	check.NoError(t, err)
	good.Store = nil
	good.reopen(t)
	administrators := sid.Administrators.Binary()
	for _, c := range []struct {
		what, bucket, key, value string
		want                     string // "" where it opens
	}{
		{"nothing", "more", "k", "v", ""},
		{"a later format", "meta", "meta", `{"format":2,"machine":"S-1-5-21-1-2-3","next":1001}`,
			"format 2, want 1: use the release that wrote it"},
		{"a later format with other fields", "meta", "meta", `{"format":2,"machine":7,"realm":{}}`,
			"format 2, want 1: use the release that wrote it"},
		{"an earlier format", "meta", "meta", `{"format":0,"machine":"S-1-5-21-1-2-3","next":1001}`,
			"format 0, want 1: use the release that wrote it"},
		{"a field of tomorrow", "meta", "meta", `{"format":1,"machine":"S-1-5-21-1-2-3","next":1001,"more":1}`,
			"meta 6d657461: "},
		{"no machine", "meta", "meta", `{"format":1,"next":1001}`, "is not a SID of a machine"},
		{"an account below the first RID", "accounts", "\x00\x00\x00\x07", `{"name":"a","rid":7}`, "RID 7"},
		{"an account under another RID", "accounts", "\x00\x00\x03\xea", `{"name":"a","rid":1003}`,
			"account 000003ea has the RID 1003"},
		{"an account under its RID the other way round", "accounts", "\xe9\x03\x00\x00", `{"name":"a","rid":1001}`,
			"account e9030000 has the RID 1001"},
		{"an account under a longer key", "accounts", "\x00\x00\x03\xe9\x00", `{"name":"a","rid":1001}`,
			"account 000003e900 has the RID 1001"},
		{"no account", "accounts", "\x00\x00\x03\xe9", `{"name":"a","rid":1001`, "accounts 000003e9: "},
		{"a group under another SID", "groups", administrators, `{"name":"a","sid":"S-1-5-32-545"}`,
			"has the SID S-1-5-32-545"},
		{"no group", "groups", administrators, `[]`, "groups 0102"},
		{"rights of no SID", "grants", "\x01", `{}`, "rights of 01: no SID"},
		{"rights of a SID and more", "grants", administrators + "\x00", `{}`, "00: no SID"},
		{"a privilege that there is not", "grants", administrators, `{"privileges":["SeGodPrivilege"]}`, "SeGodPrivilege"},
		{"a right that there is not", "grants", administrators, `{"rights":["SeTcbPrivilege"]}`,
			`"SeTcbPrivilege" is not a logon right: want one such as SeBatchLogonRight`},
		{"no rights", "grants", administrators, ``, "grants 0102"},
		{"failures of no RID", "failures", "\x00\x00\x03\xe9\x00", `{"count":1}`,
			"failures: the key 000003e900 is not a RID of 4 bytes"},
		{"failures of half a RID", "failures", "\x03\xe9", `{"count":1}`,
			"failures: the key 03e9 is not a RID of 4 bytes"},
		{"failures of no account", "failures", "\x00\x00\x03\xea", `{"count":1}`, ""},
		{"no failures", "failures", "\x00\x00\x03\xe9", `{"count":-`, "failures 000003e9: "},
	} {
		cfg := good.cfg
		cfg.Folder = t.TempDir()
		path := filepath.Join(cfg.Folder, File)
		check.NoError(t, os.WriteFile(path, file, 0o600))
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
		check.NoError(t, err)
		check.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(c.bucket))
			if err != nil {
				return err
			}
			return b.Put([]byte(c.key), []byte(c.value))
		}))
		check.NoError(t, db.Close())
		s, err := Open(cfg)
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || s != nil ||
			!strings.HasPrefix(err.Error(), "account store "+path+": ") || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %s", c.what, err, c.want)
		case c.want != "" && slices.Contains([]string{"accounts", "groups", "meta", "grants"}, c.bucket) &&
			strings.HasSuffix(c.want, ": ") && !strings.HasSuffix(err.Error(), ": restore a backup"):
			t.Errorf("%s: error %v, want text ending with \": restore a backup\"", c.what, err)
		}
		if s != nil {
			if a, ok := s.LookupName("alice"); !ok || a.SID != alice {
				t.Errorf("%s: LookupName(alice) = %+v, want %v", c.what, a, alice)
			}
			check.NoError(t, s.Close())
		}
	}
}

// TestStoreRecordsHaveExactBytes checks the exact bytes of the records, which the next release must read, and that an
// Edit's removals are removed on disk.
func TestStoreRecordsHaveExactBytes(t *testing.T) {
	f := open(t, nil)
	st := f.now.Load().clone()
	st.machine, st.next, st.policy = sid.MustParse("S-1-5-21-1-2-3"), 2000, "a policy"
	st.accounts = map[uint32]Account{1001: {Name: "alice", RID: 1001, UID: number(7), FullName: "A", Disabled: true},
		1002: {Name: "bob", RID: 1002}}
	team := st.machine.WithRID(1003)
	st.groups = map[sid.SID]Group{team: {Name: "team", SID: team, GID: number(9), Members: []sid.SID{sid.Everyone}}}
	st.grants = map[sid.SID]Grant{team: {winnt.SeBackupPrivilege.Bit(), 1}}
	st.maps = []IDMap{{Domain: corp, Name: "CORP", Backend: Autorid, Low: 1, High: 2, BaseRID: 3, RangeSize: 4, Index: 5,
		Number: 6}}
	content := func() (all []string) {
		check.NoError(t, f.db.View(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(bucket []byte, b *bbolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error {
					key := string(k)
					if id, n, err := sid.Decode(k); err == nil && n == len(k) {
						key = id.String()
					}
					all = append(all, string(bucket)+" "+key+" "+string(v))
					return nil
				})
			})
		}))
		return all
	}
	write := func(before, after *state) {
		check.NoError(t, f.db.Update(func(tx *bbolt.Tx) error { return writeState(tx, before, after) }))
	}
	write(f.now.Load(), st)
	right := st.grants[team].Rights.Names()[0]
	const meta = `{"format":1,"machine":"S-1-5-21-1-2-3","next":2000,`
	want := []string{
		"accounts \x00\x00\x03\xe9 " + `{"name":"alice","rid":1001,"uid":7,"fullName":"A","disabled":true}`,
		"accounts \x00\x00\x03\xea " + `{"name":"bob","rid":1002}`,
		`grants S-1-5-21-1-2-3-1003 {"privileges":["SeBackupPrivilege"],"rights":["` + right + `"]}`,
		`groups S-1-5-21-1-2-3-1003 {"name":"team","sid":"S-1-5-21-1-2-3-1003","gid":9,"members":["S-1-1-0"]}`,
		`meta meta ` + meta + `"maps":[{"domain":"S-1-5-21-9-8-7","name":"CORP","backend":"autorid","low":1,"high":2,` +
			`"baseRid":3,"rangeSize":4,"index":5,"number":6}],"policy":"a policy"}`}
	if got := content(); !slices.Equal(got, want) {
		t.Errorf("in the file\n%q, want\n%q", got, want)
	}
	check.NoError(t, f.db.View(func(tx *bbolt.Tx) error {
		back, err := readState(tx)
		a, b := mustJSON(t, back), mustJSON(t, st)
		check.That(t, err != nil || a == b, "read back\n%s, want\n%s", a, b)
		return err
	}))
	// Each kind is removed alone, and the others stay.
	for i, take := range []func(*state){func(s *state) { delete(s.accounts, 1002) },
		func(s *state) { delete(s.grants, team) }, func(s *state) { delete(s.groups, team) }} {
		less := st.clone()
		take(less)
		write(st, less)
		if got := content(); !slices.Equal(got, slices.Concat(want[:i+1], want[i+2:])) {
			t.Errorf("content without record %d: %q, want the other records", i+1, got)
		}
		write(less, st)
		if got := content(); !slices.Equal(got, want) {
			t.Errorf("with record %d again\n%q, want %q", i+1, got, want)
		}
	}
}

// mustJSON encodes a value for a state.
func mustJSON(t *testing.T, s *state) string {
	t.Helper()
	text := check.Must(json.Marshal([]any{s.machine, s.next, s.policy, s.maps, s.accounts, s.groups, s.grants}))
	return string(text)
}

// TestReleasedAccountStoresOpen opens the account stores that released versions wrote: the account logs on with its
// password and has its group and right.
func TestReleasedAccountStoresOpen(t *testing.T) {
	files, err := filepath.Glob("../../testdata/formats/*/accounts/accounts.db.gz")
	check.RequireThat(t, err == nil && len(files) != 0, "%v %v", files, err)
	for _, name := range files {
		f := open(t, func(c *Config) { unpack(t, name, filepath.Join(c.Folder, File)) })
		r, st := f.LogonPassword("alice", "correct horse", winnt.LOGON32_LOGON_NETWORK)
		if st != ntstatus.Success {
			t.Errorf("%s: logon of alice %s, want success", name, st)
			continue
		}
		var groups strings.Builder
		if err := f.ListGroups(&groups); err != nil || !strings.Contains(groups.String(), "staff") {
			t.Errorf("%s: groups %s, %v, want staff", name, groups.String(), err)
		}
		check.That(t, r.Token.Privileges.Has(winnt.SeBackupPrivilege),
			"%s: alice in staff lacks SeBackupPrivilege", name)
	}
}

// unpack writes the contents of a compressed file.
func unpack(t *testing.T, from, to string) {
	t.Helper()
	in := check.Must(os.Open(from))
	defer in.Close()
	z := check.Must(gzip.NewReader(in))
	b, err := io.ReadAll(z)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	check.NoError(t, err)
}
