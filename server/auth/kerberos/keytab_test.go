package kerberos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestUnversionedTicketTriesEightKeys checks that a ticket without a key version is tried with the service's newest
// eight keys only, although a keytab has the oldest first (K-34).
func TestUnversionedTicketTriesEightKeys(t *testing.T) {
	var all []forge.Entry
	for i := range 9 {
		all = append(all, forge.Entry{Service: service, Realm: realm, Version: uint32(i) + 1, Key: forge.NewKey(18)})
	}
	k := check.Must(ParseKeytab(forge.Keytab(all...)))
	for i, e := range all {
		x := ticket()
		x.Version, x.Key, x.PAC = 0, e.Key, alicePAC(e.Key, nil)
		_, err := acceptor(t, func(c *Config) { c.Keys = k }).Accept(x.Blob(), nil)
		check.That(t, (err == nil) == (i > 0), "K-34: key %d of nine: %v, want success for the last eight", i+1, err)
	}
}

// TestKeytabErrorsQuoteNoKey checks that neither the text of keys nor an error about a damaged keytab shows a key
// (K-33).
func TestKeytabErrorsQuoteNoKey(t *testing.T) {
	good := forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 1, Key: secret})
	path := filepath.Join(t.TempDir(), "good")
	check.NoError(t, os.WriteFile(path, good, 0o600))
	k, err := ReadKeytab(path)
	check.RequireThat(t, err == nil && len(k.find(service, realm, 1, 18)) == 1, "%v, %v", k, err)
	for _, form := range []string{"%v", "%+v", "%#v", "%x"} {
		check.Equal(t, fmt.Sprintf(form, k), "1 keys", "K-33: keys shown by %s", form)
	}
	for n := range good {
		k, err := ParseKeytab(good[:n])
		if err == nil && len(k.entries) != 1 || err != nil && strings.Contains(err.Error(), string(secret.KeyValue)) {
			t.Errorf("K-33: the first %d bytes: %v, %v, want one entry, or an error without the key", n, k, err)
		}
	}
}

// TestFindComparesRealmTypeAndVersion checks the lookup of a ticket's key: the service in any case, realm, type and
// version exactly. A ticket without a version is tried with each key (K-34).
func TestFindComparesRealmTypeAndVersion(t *testing.T) {
	one, two, three := forge.NewKey(18), forge.NewKey(18), forge.NewKey(17)
	k := check.Must(ParseKeytab(forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 1, Key: one},
		forge.Entry{Service: service, Realm: realm, Version: 2, Key: two},
		forge.Entry{Service: service, Realm: realm, Version: 2, Key: three},
		forge.Entry{Service: service, Realm: "OTHER.TEST", Version: 2, Key: one},
		forge.Entry{Service: "cifs/x", Realm: realm, Version: 2, Key: one})))
	for name, c := range map[string]struct {
		service, realm string
		version        uint32
		kind           int32
		want           []types.EncryptionKey
	}{
		"the first version":     {service, realm, 1, 18, []types.EncryptionKey{one}},
		"the second":            {service, realm, 2, 18, []types.EncryptionKey{two}},
		"none":                  {service, realm, 0, 18, []types.EncryptionKey{two, one}},
		"a third":               {service, realm, 3, 18, nil},
		"another type":          {service, realm, 2, 17, []types.EncryptionKey{three}},
		"a missing type":        {service, realm, 2, 23, nil},
		"another realm":         {service, "OTHER.TEST", 2, 18, []types.EncryptionKey{one}},
		"its first version":     {service, "OTHER.TEST", 1, 18, nil},
		"a realm in lower case": {service, strings.ToLower(realm), 1, 18, nil},
		"a service in capitals": {strings.ToUpper(service), realm, 1, 18, []types.EncryptionKey{one}},
		"another service":       {"cifs/x", realm, 0, 18, []types.EncryptionKey{one}},
		"half a service":        {"cifs", realm, 0, 18, nil},
	} {
		got := k.find(c.service, c.realm, c.version, c.kind)
		check.That(t, slices.EqualFunc(got, c.want, func(a, b types.EncryptionKey) bool {
			return bytes.Equal(a.KeyValue,
				b.KeyValue)
		}), "K-34: %s: %d keys, want %d", name, len(got), len(c.want))
	}
	for name, c := range map[string]struct {
		service, realm string
		there          bool
	}{"there": {service, realm, true}, "in capitals": {strings.ToUpper(service), realm, true},
		"in another realm":         {service, "THIRD.TEST", false},
		"in a realm in lower case": {service, strings.ToLower(realm), false}, "another one": {"http/y", realm, false}} {
		check.Equal(t, k.has(c.service, c.realm), c.there, "K-34: a key for a service, %s", name)
	}
}

// TestKeytabNameHasAnyNumberOfParts checks that all components of a name are read, and that a number of components
// beyond the entry is an error (K-33).
func TestKeytabNameHasAnyNumberOfParts(t *testing.T) {
	for _, n := range []int{1, 16, 17, 300} {
		name := strings.TrimSuffix(strings.Repeat("a/", n), "/")
		b := forge.Keytab(forge.Entry{Service: name, Realm: realm, Version: 7, Key: secret})
		k, err := ParseKeytab(b)
		check.That(t, err == nil && len(k.find(name, realm, 7, secret.KeyType)) == 1,
			"K-33: a name of %d components: %v, error %v, want one key of version 7", n, k, err)
		binary.BigEndian.PutUint16(b[6:], 65535)
		check.That(t, check.Err(ParseKeytab(b)) != nil, "K-33: %d components and a count of 65535: no error, want one", n)
	}
}

func FuzzKeytab(f *testing.F) {
	f.Add(forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 1, Key: short}))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b), func() {
			k, err := ParseKeytab(b)
			check.That(t, (k == nil) != (err == nil), "ParseKeytab: %v with error %v, want one of them", k, err)
		})
	})
}

// TestRefusedKeyFileHasReason checks that a key file must be a regular file of ours alone, and why others are rejected,
// one above the size limit too (K-33).
func TestRefusedKeyFileHasReason(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	check.NoError(t, os.WriteFile(path, []byte("12345"), 0o600))
	for most, want := range map[int64]string{1: "w " + path + ": it has more than 1 bytes",
		4: "w " + path + ": it has more than 4 bytes", 5: "", 6: ""} {
		b, err := ReadSecret("w", path, most)
		if want == "" && (err != nil || string(b) != "12345") ||
			want != "" && (err == nil || err.Error() != want || b != nil) {
			t.Errorf("K-33: ReadSecret of five bytes, at most %d: %q, %v, want error %q", most, b, err, want)
		}
	}
	for mode, open := range map[os.FileMode]bool{0o640: true, 0o604: true, 0o620: true, 0o602: true, 0o610: true,
		0o601: true, 0o400: false, 0o700: false} {
		check.NoError(t, os.Chmod(path, mode))
		b, err := ReadSecret("w", path, 9)
		want := fmt.Sprintf("w %s: mode %04o lets others read it: chmod 600 it", path, mode)
		check.That(t, (err != nil) == open && (b == nil) == open && (!open || err.Error() == want),
			"K-33: mode %o: %q, %v, want an error: %t", mode, b, err, open)
	}
	check.NoError(t, os.Chmod(path, 0o600))
	if os.Geteuid() == 0 {
		check.NoError(t, os.Chown(path, 4711, 4711))
		err := check.Err(ReadSecret("w", path, 9))
		check.That(t, err != nil && strings.Contains(err.Error(), "4711"), "K-33: another user's file: %v", err)
		check.NoError(t, os.Chown(path, 0, 0))
	}
	link := filepath.Join(dir, "link")
	check.NoError(t, os.Symlink(path, link))
	pipe := filepath.Join(dir, "pipe") // nobody writes to it, so reading it would wait for ever
	check.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for name, want := range map[string]string{link: "it is a symbolic link: name the file itself", dir: "it is not a file",
		pipe: "it is not a file"} {
		if _, err := ReadSecret("w", name, 9); err == nil || err.Error() != "w "+name+": "+want {
			t.Errorf("K-33: ReadSecret of %s: %v, want %q", name, err, want)
		}
	}
	_, err := ReadSecret("w", path+"x", 9)
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "w: ") &&
		errors.Is(err, os.ErrNotExist), "K-33: ReadSecret of no file: %v, want os.ErrNotExist", err)
	check.ErrorIs(t, check.Err(ReadKeytab(path+"x")), os.ErrNotExist, "K-33: ReadKeytab of no file")
	check.NoError(t, os.WriteFile(path, []byte{5, 2}, 0o600))
	if _, err := ReadKeytab(path); err == nil || err.Error() != "keytab "+path+": it has no keys" {
		t.Errorf("K-33: ReadKeytab of a file without keys: %v, want \"it has no keys\"", err)
	}
}

// TestEveryFieldOfKeytabEntryCounts checks each field of an entry, gaps and the end marker in an encoded keytab (K-33,
// K-34).
func TestEveryFieldOfKeytabEntryCounts(t *testing.T) {
	be := binary.BigEndian
	text := func(s string) []byte { return append(be.AppendUint16(nil, uint16(len(s))), s...) }
	entry := func(parts uint16, body ...[]byte) []byte {
		b := slices.Concat(append([][]byte{be.AppendUint16(nil, parts)}, body...)...)
		return append(be.AppendUint32(nil, uint32(len(b))), b...)
	}
	rest := []byte{0, 0, 0, 1, 0, 0, 0, 0, 7, 0, 18, 0, 2, 0xaa, 0xbb} // of version 7, type 18, with a key of two bytes
	whole := func(more ...byte) []byte {
		return entry(2, text("R"), text("http"), text("www"), append(slices.Clone(rest), more...))
	}
	for name, c := range map[string]struct {
		b    []byte
		want string // entries: service in realm, version, type, bytes of the key; "" for an error
	}{
		"one":                  {whole(), "http/www R 7 18 aabb"},
		"a longer version":     {whole(0, 0, 1, 0), "http/www R 256 18 aabb"},
		"a longer one below":   {whole(0, 0, 0, 9), "http/www R 9 18 aabb"},
		"a longer one of 0":    {whole(0, 0, 0, 0), "http/www R 7 18 aabb"},
		"three bytes of it":    {whole(0, 0, 1), "http/www R 7 18 aabb"},
		"one of one part":      {entry(1, text("R"), text("host"), rest), "host R 7 18 aabb"},
		"a part too few":       {entry(3, text("R"), text("http"), text("www"), rest), ""},
		"no part":              {entry(0, text("R"), rest), ""},
		"an empty key":         {entry(1, text("R"), text("host"), rest[:11], []byte{0, 0}), ""},
		"a truncated key":      {entry(1, text("R"), text("host"), rest[:14]), ""},
		"a gap, then one":      {append([]byte{0xff, 0xff, 0xff, 0xfe, 9, 9}, whole()...), "http/www R 7 18 aabb"},
		"a truncated gap":      {append(whole(), 0xff, 0xff, 0xff, 0xfe, 9), ""},
		"an end, then more":    {append(append(whole(), 0, 0, 0, 0), whole()...), "http/www R 7 18 aabb"},
		"an end marker first":  {append([]byte{0, 0, 0, 0}, whole()...), ""},
		"three trailing bytes": {append(whole(), 1, 2, 3), "http/www R 7 18 aabb"},
		"a longer length":      {append(whole(), 0, 0, 0, 1), ""},
		"two": {append(whole(), entry(1, text("S"), text("x"), rest)...),
			"http/www R 7 18 aabb; x S 7 18 aabb"},
		"the largest gap": {append([]byte{0x80, 0, 0, 0}, whole()...), ""},
	} {
		k, err := ParseKeytab(append([]byte{5, 2}, c.b...))
		var all []string
		if err == nil {
			for _, e := range k.entries {
				all = append(all, fmt.Sprintf("%s %s %d %d %x", e.service, e.realm, e.version, e.key.KeyType, e.key.KeyValue))
			}
		}
		if got := strings.Join(all, "; "); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("K-33: %s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	for _, c := range []struct {
		longer  string // the version in four bytes
		version uint32
		want    int
	}{{"", 7, 1}, {"", 263, 1}, {"", 1<<31 + 7, 1}, {"", 264, 0}, {"\x00\x00\x00\x00", 263, 1}, {"\x00\x00\x01", 263, 1},
		{"\x00\x00\x00\x07", 263, 0}, {"\x00\x00\x01\x07", 263, 1}, {"\x00\x00\x01\x07", 7, 0}} {
		k := check.Must(ParseKeytab(append([]byte{5, 2}, whole([]byte(c.longer)...)...)))
		check.Equal(t, len(k.find("http/www", "R", c.version, 18)), c.want,
			"K-34: keys of version %d in a keytab with version 7 and %q", c.version, c.longer)
	}
	for name, b := range map[string][]byte{"of version 5.1": {5, 1}, "of version 4.2": {4, 2}, "one byte": {5}} {
		k, err := ParseKeytab(append(slices.Clone(b), whole()...))
		check.That(t, k == nil && errors.Is(err, errKeytab), "K-33: ParseKeytab, %s: %v, want errKeytab", name, err)
	}
	one := entry(1, nil, text(""), text("x"), rest)
	for n, want := range map[int]bool{maxEntries: true, maxEntries + 1: false} {
		b := append(append([]byte{5, 2}, slices.Repeat(one, n)...), 0xff, 0xff, 0xff, 0xfe, 9, 9) // ends with a gap
		_, err := ParseKeytab(b)
		check.That(t, (err == nil) == want && (want || err.Error() == "it has more than 4096 keys"),
			"K-33: ParseKeytab of %d entries: %v, want success: %t", n, err, want)
	}
	long := func(n int) []byte {
		gap := n - len(whole()) - 6
		return slices.Concat([]byte{5, 2}, whole(), be.AppendUint32(nil, uint32(-gap)), make([]byte, gap))
	}
	for n, want := range map[int]bool{maxKeytab: true, maxKeytab + 1: false} {
		if _, err := ParseKeytab(long(n)); (err == nil) != want || len(long(n)) != n {
			t.Errorf("K-33: ParseKeytab of %d bytes: %v, want success: %t", n, err, want)
		}
	}
}

// TestNewestAccountKeyIsPreferred checks that an account's own key precedes those of its services, newest
// version first (K-60).
func TestNewestAccountKeyIsPreferred(t *testing.T) {
	keys := map[string]types.EncryptionKey{}
	var all []forge.Entry
	add := func(name, service, in string, version uint32, kind int32) {
		keys[name] = forge.NewKey(kind)
		all = append(all, forge.Entry{Service: service, Realm: in, Version: version, Key: keys[name]})
	}
	add("own 2", "web", realm, 2, 18)
	add("own 3", "web", realm, 3, 18)
	add("own 1", "web", realm, 1, 18)
	add("service 9", "HTTP/x", realm, 9, 18)
	add("service short 4", "HTTP/x", realm, 4, 17)
	add("service short 5", "HTTP/y", realm, 5, 17)
	add("elsewhere", "web", "OTHER.TEST", 7, 18)
	k := check.Must(ParseKeytab(forge.Keytab(all...)))
	for _, c := range []struct {
		account, in string
		kind        int32
		want        string
	}{{"web", realm, 18, "own 3"}, {"web", realm, 17, "service short 5"}, {"other", realm, 18, "service 9"},
		{"web", "OTHER.TEST", 18, "elsewhere"}, {"web", "OTHER.TEST", 17, ""}, {"web", realm, 23, ""}} {
		got, ok := k.keyOf(c.account, c.in, c.kind)
		check.That(t, ok == (c.want != "") && (!ok || slices.Equal(got.KeyValue, keys[c.want].KeyValue)),
			"K-60: %s in %s of type %d: %t, want %s", c.account, c.in, c.kind, ok, c.want)
	}
	for _, c := range []struct {
		etypes []int32
		want   string
	}{{[]int32{18}, "HTTP/x"}, {[]int32{23, 17}, "HTTP/x"}, {[]int32{23}, ""}, {nil, ""}} {
		check.Equal(t, k.firstService(realm, c.etypes), c.want, "K-53: the first service of types %v", c.etypes)
	}
	if got := k.firstService("OTHER.TEST", []int32{18}); got != "" { // an account is not a service
		t.Errorf(`K-53: the first service elsewhere is %q, want ""`, got)
	}
	a := acceptor(t, func(c *Config) { c.Keys, c.Services = k, []string{} })
	check.Equal(t, a.ownService(), "HTTP/x", "K-53: this host's service")
	a.cfg.Services = []string{"HTTP/y", "HTTP/x"}
	check.Equal(t, a.ownService(), "HTTP/y", "K-53: the first configured service")
}
