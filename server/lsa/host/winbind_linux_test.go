package host

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/internal/test/addc"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
)

// compared is the number of compared accounts.
const compared = 200

// TestMapsMatchWinbindd compares the maps with a real winbindd of a domain member for 200 accounts, in both
// directions: backends rid and autorid with computed ids, ad with the directory's, and winbind with
// winbindd itself (L-53, L-55, L-59, D-34).
func TestMapsMatchWinbindd(t *testing.T) {
	if os.Getenv("REFMON_SAMBA") != "required" {
		t.Skip("it makes a domain and a member, half a minute: REFMON_SAMBA=required runs it")
	}
	d := addc.Start(t, addc.Order{Numbered: compared, Files: true, Service: "HTTP/www.refmon.test"})
	accounts := d.Accounts("n")
	check.Require(t, len(accounts), compared, "accounts")
	m := d.Join()
	const star = " idmap config * : backend = tdb\n idmap config * : range = 3001000000-3001009999\n"
	of := func(backend string, low, high uint32) string {
		return fmt.Sprintf(star+" idmap config REFMON : backend = %s\n idmap config REFMON : range = %d-%d\n", backend, low,
			high)
	}
	m.Winbind(of("rid", 3000070000, 3000079999))
	compareIDs(t, m, accounts, lsa.IDMap{Domain: d.SID, Backend: lsa.RID, Low: 3000070000, High: 3000079999}, nil)
	m.Winbind(" idmap config * : backend = autorid\n idmap config * : range = 3000100000-3000299999\n" +
		" idmap config * : rangesize = 10000\n")
	first := sids(accounts)[0]
	// The query creates the range.
	check.Eventually(t, func() bool { return exec.Command(m.Wbinfo, "-S", first.String()).Run() == nil },
		"%v has no uid", first)
	compareIDs(t, m, accounts, lsa.IDMap{Domain: d.SID, Backend: lsa.Autorid, Low: 3000100000, High: 3000299999,
		RangeSize: 10000, Number: rangeOf(t, m.Ranges(), d.SID)}, nil)
	m.Winbind(of("ad\n idmap config REFMON : schema_mode = rfc2307", addc.FirstID, addc.FirstID+9999))
	compareIDs(t, m, accounts, lsa.IDMap{Domain: d.SID, Backend: lsa.AD, Low: addc.FirstID, High: addc.FirstID + 9999},
		queryDirectory(t, d))
}

// queryDirectory queries the directory itself for uidNumber and gidNumber, with the service's keytab.
func queryDirectory(t *testing.T, d *addc.Domain) *ldap.IDs {
	t.Helper()
	keys := check.Must(kerberos.ReadKeytab(d.Keytab))
	dir, err := ldap.New(ldap.Config{Servers: []string{"ldap://" + d.Address}, Security: ldap.Signed, Domain: d.SID,
		Realm: addc.Realm, Name: addc.Name, Initiator: &kerberos.Initiator{Keys: keys, Realm: addc.Realm, Account: "websvc",
			KDCs: kerberos.KDCs{Addresses: []string{d.Address}}}})
	check.NoError(t, err)
	t.Cleanup(func() { _ = dir.Close() })
	return &ldap.IDs{Ask: func(question func(*ldap.Directory) error) error { return question(dir) }}
}

// sids returns the accounts' SIDs in the order of their ids.
func sids(accounts map[string]sid.SID) (all []sid.SID) {
	for i := range compared {
		all = append(all, accounts[fmt.Sprintf("n%d", i)])
	}
	return all
}

var rangeLine = regexp.MustCompile(`(?m)^RANGE (\d+): (S-[-0-9]+)`)

// rangeOf returns the number of a domain's range of autorid.
func rangeOf(t *testing.T, ranges string, domain sid.SID) uint32 {
	t.Helper()
	for _, m := range rangeLine.FindAllStringSubmatch(ranges, -1) {
		if m[2] == domain.String() {
			n := check.Must(strconv.ParseUint(m[1], 10, 32))
			return uint32(n)
		}
	}
	t.Fatalf("no range of %v:\n%s", domain, ranges)
	return 0
}

// store opens a store with one map.
func store(t *testing.T, m lsa.IDMap, winbind, numbers lsa.Domains) *lsa.Store {
	t.Helper()
	m.Name = "REFMON"
	s := check.Must(lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Domains: winbind, Numbers: numbers, Password: lsa.Hashing{Memory: 8, Passes: 1}}))
	t.Cleanup(func() { _ = s.Close() })
	check.NoError(t, s.Update(sid.LocalSystem, func(e *lsa.Edit) error { e.SetMaps([]lsa.IDMap{m}); return nil }))
	return s
}

// ask queries winbindd for up to a minute until each line of its output has the suffix in want. Under load winbindd
// omits accounts at first.
func ask(t *testing.T, m *addc.Member, backend lsa.Backend, query string, want []string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		out, err := exec.Command(m.Wbinfo, query).Output()
		got := strings.Split(strings.TrimSpace(string(out)), "\n")
		if slices.EqualFunc(got, want, strings.HasSuffix) {
			return
		}
		check.RequireThat(t, time.Now().Before(end), "%s: L-53: winbind says %q, %v, want %q", backend, got, err, want)
	}
}

// compareIDs compares the store with winbind.
func compareIDs(t *testing.T, m *addc.Member, accounts map[string]sid.SID, one lsa.IDMap, numbers lsa.Domains) {
	t.Helper()
	all := sids(accounts)
	list := make([]string, len(all))
	for i := range all {
		list[i] = all[i].String()
	}
	s := store(t, one, nil, numbers)
	numbered, back := make([]string, len(all)), make([]string, len(all))
	for i, who := range all {
		uid, ok := s.UID(who)
		check.RequireThat(t, ok, "%s: L-53: %v has no uid", one.Backend, who)
		numbered[i] = " " + strconv.Itoa(int(int32(uid))) // wbinfo prints a sign
		back[i] = "u" + strconv.FormatUint(uint64(uid), 10)
	}
	ask(t, m, one.Backend, "--sids-to-unix-ids="+strings.Join(list, ","), numbered)
	ask(t, m, one.Backend, "--unix-ids-to-sids="+strings.Join(back, ","), list)
	unranged := one
	unranged.Backend, unranged.RangeSize, unranged.Number = lsa.Winbind, 0, 0
	w := store(t, unranged, &Domains{wbinfo: m.Wbinfo}, nil)
	for _, i := range []int{0, 1, 7, compared - 1} {
		uid, _ := s.UID(all[i])
		if got, ok := w.UID(all[i]); got != uid || !ok || w.UserSID(uid) != all[i] {
			t.Errorf("L-55: %s: winbind maps %v to uid %d, %t, and back to %v, want %d", one.Backend, all[i], got, ok,
				w.UserSID(uid), uid)
		}
	}
}
