package kerberos

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/refmon/refmon/internal/test/bounded"

	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestOuter: each field of the first token may be absent, empty or another's; none of
// it is more than a refusal (K-35, K-36).
func TestOuter(t *testing.T) {
	k := ticket()
	k.Raw = true
	token := k.Blob()
	ntlm := []byte("NTLMSSP\x00\x01\x00\x00\x00")
	many := make([][]byte, 33)
	for i := range many {
		many[i] = forge.OIDKerberos
	}
	for name, c := range map[string]struct {
		blob []byte
		want error
	}{
		"nothing":                    {nil, errOuter},
		"NTLM":                       {ntlm, errNTLM},
		"NTLM in SPNEGO":             {forge.Init([][]byte{forge.OIDNTLM}, ntlm), errNTLM},
		"NTLM said to be Kerberos":   {forge.Init([][]byte{forge.OIDKerberos}, ntlm), errNTLM},
		"no mechanisms":              {forge.Init(nil, token), errOuter},
		"empty mechanisms":           {forge.Init([][]byte{}, token), errOuter},
		"too many mechanisms":        {forge.Init(many, token), errOuter},
		"no token":                   {forge.Init([][]byte{forge.OIDKerberos}, nil), errNoToken},
		"an empty token":             {forge.Init([][]byte{forge.OIDKerberos}, []byte{}), errOuter},
		"nothing at all":             {forge.Init(nil, nil), errOuter},
		"another mechanism":          {forge.Init([][]byte{{6, 1, 0x2b}}, token), errOuter},
		"a later token":              {forge.DER(0xa1, forge.DER(0x30)), errOuter},
		"bytes behind it":            {append(forge.Init([][]byte{forge.OIDKerberos}, token), 0), errOuter},
		"an AP-REP":                  {forge.DER(0x60, forge.OIDKerberos, []byte{2, 0}, k.Request()), errOuter},
		"no kind of token":           {forge.DER(0x60, forge.OIDKerberos), errOuter},
		"Kerberos without an AP-REQ": {forge.DER(0x60, forge.OIDKerberos, []byte{1, 0}), errAPReq},
		"more than any":              {make([]byte, MaxBlob+1), errOuter},
	} {
		if _, err := acceptor(t, nil).Accept(c.blob, nil); !errors.Is(err, c.want) {
			t.Errorf("K-35: %s: %v, want %v", name, err, c.want)
		}
	}
}

// TestKeytab: the file is of mode 0600, a file, and of ours; what is damaged is refused
// with nothing of it in the error (K-33).
func TestKeytab(t *testing.T) {
	dir := t.TempDir()
	good := forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 1, Key: secret})
	write := func(name string, b []byte, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(write("good", good, 0o600), link); err != nil {
		t.Fatal(err)
	}
	k, err := ReadKeytab(filepath.Join(dir, "good"))
	if err != nil || len(k.find(service, realm, 1, 18)) != 1 {
		t.Fatalf("%v, %v", k, err)
	}
	for _, shown := range []string{fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), fmt.Sprintf("%x",
		k)} {
		if shown != "1 keys" {
			t.Errorf("K-33: keys are shown as %q", shown)
		}
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o601} {
		if _, err := ReadKeytab(write("open", good, mode)); err == nil || !strings.Contains(err.Error(),
			"chmod 600") {
			t.Errorf("K-33: mode %o: %v", mode, err)
		}
	}
	if os.Geteuid() == 0 {
		path := write("another's", good, 0o600)
		if err := os.Chown(path, 4711, 4711); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadKeytab(path); err == nil || !strings.Contains(err.Error(), "4711") {
			t.Errorf("K-33: another user's: %v", err)
		}
	}
	for name, path := range map[string]string{"a link": link, "a folder": dir, "none": filepath.Join(dir, "none")} {
		if _, err := ReadKeytab(path); err == nil {
			t.Errorf("K-33: %s is taken", name)
		}
	}
	for n := range good {
		k, err := ParseKeytab(good[:n])
		if err == nil && len(k.entries) != 1 || err != nil && strings.Contains(err.Error(), string(secret.KeyValue)) {
			t.Errorf("K-33: the first %d bytes: %v, %v", n, k, err)
		}
	}
}

// TestFind: a key is of the ticket's service in any case, and of its realm, type and
// version exactly; a ticket without a version is tried with each (K-34).
func TestFind(t *testing.T) {
	one, two, three := forge.NewKey(18), forge.NewKey(18), forge.NewKey(17)
	k, err := ParseKeytab(forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 1, Key: one},
		forge.Entry{Service: service, Realm: realm, Version: 2, Key: two},
		forge.Entry{Service: service, Realm: realm, Version: 2, Key: three},
		forge.Entry{Service: service, Realm: "OTHER.TEST", Version: 2, Key: one},
		forge.Entry{Service: "cifs/x", Realm: realm, Version: 2, Key: one}))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		service, realm string
		version        uint32
		kind           int32
		want           []types.EncryptionKey
	}{
		"the first version":     {service, realm, 1, 18, []types.EncryptionKey{one}},
		"the second":            {service, realm, 2, 18, []types.EncryptionKey{two}},
		"none":                  {service, realm, 0, 18, []types.EncryptionKey{one, two}},
		"a third":               {service, realm, 3, 18, nil},
		"another type":          {service, realm, 2, 17, []types.EncryptionKey{three}},
		"a type that is not":    {service, realm, 2, 23, nil},
		"another realm":         {service, "OTHER.TEST", 2, 18, []types.EncryptionKey{one}},
		"its first version":     {service, "OTHER.TEST", 1, 18, nil},
		"a realm in lower case": {service, strings.ToLower(realm), 1, 18, nil},
		"a service in capitals": {strings.ToUpper(service), realm, 1, 18, []types.EncryptionKey{one}},
		"another service":       {"cifs/x", realm, 0, 18, []types.EncryptionKey{one}},
		"half a service":        {"cifs", realm, 0, 18, nil},
	} {
		got := k.find(c.service, c.realm, c.version, c.kind)
		if !slices.EqualFunc(got, c.want, func(a, b types.EncryptionKey) bool {
			return bytes.Equal(a.KeyValue,
				b.KeyValue)
		}) {
			t.Errorf("K-34: %s: %d keys, want %d", name, len(got), len(c.want))
		}
	}
	for name, c := range map[string]struct {
		service, realm string
		there          bool
	}{"there": {service, realm, true}, "in capitals": {strings.ToUpper(service), realm, true},
		"in another realm": {service, "THIRD.TEST", false}, "another one": {"http/y", realm, false}} {
		if got := k.has(c.service, c.realm); got != c.there {
			t.Errorf("K-34: a key for a service, %s: %v", name, got)
		}
	}
}

// TestNew: a configuration that takes nothing, or too much, is refused.
func TestNew(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no keys":                    func(c *Config) { c.Keys = nil },
		"no realm":                   func(c *Config) { c.Realm = "" },
		"a service without a key":    func(c *Config) { c.Services = []string{"HTTP/other"} },
		"a skew of a day":            func(c *Config) { c.Skew = 24 * time.Hour },
		"a skew of nothing":          func(c *Config) { c.Skew = time.Nanosecond },
		"weak and unknown types":     func(c *Config) { c.EncryptionTypes = []int32{24} },
		"a replay cache in no place": func(c *Config) { c.State = "/nonexistent" },
	} {
		cfg := Config{Keys: keys(t), Realm: realm}
		change(&cfg)
		if a, err := New(cfg); err == nil || a != nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestReplay: an authenticator is taken once: at once by two, again, and after a restart
// without a stop, whatever the client's clock said (K-47).
func TestReplay(t *testing.T) {
	for _, at := range []time.Duration{0, 4 * time.Minute, -4 * time.Minute, 1100 * time.Millisecond} {
		state, now := t.TempDir(), started
		begin := func() *Acceptor {
			return acceptor(t, func(c *Config) { c.State, c.Now = state, func() time.Time { return now } })
		}
		a := begin()
		now = noon
		k := ticket()
		k.At = noon.Add(at)
		blob := k.Blob()
		var taken atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := a.Accept(blob, nil); err == nil {
					taken.Add(1)
				} else if !errors.Is(err, errReplay) {
					t.Errorf("K-47: %v: %v", at, err)
				}
			})
		}
		all.Wait()
		if taken.Load() != 1 {
			t.Errorf("K-47: %v: taken %d times at once", at, taken.Load())
		}
		for range 2 { // the daemon was killed, twice: nothing was closed
			b := begin()
			if _, err := b.Accept(blob, nil); !errors.Is(err, errReplay) && !errors.Is(err, errBefore) {
				t.Errorf("K-47: %v: after a restart: %v", at, err)
			}
			now = now.Add(2 * time.Second)
			fresh := ticket()
			fresh.At = now
			if _, err := b.Accept(fresh.Blob(), nil); err != nil {
				t.Errorf("K-47: %v: a fresh one after a restart: %v", at, err)
			}
		}
	}
	// A clock that is set back lets nothing in twice.
	back := t.TempDir()
	for i, begun := range []time.Time{noon.Add(time.Minute), noon.Add(-time.Minute)} {
		a := acceptor(t, func(c *Config) { c.State, c.Now = back, clock(begun, noon) })
		k := ticket()
		if _, err := a.Accept(k.Blob(), nil); !errors.Is(err, errBefore) {
			t.Errorf("K-47: start %d: %v", i, err)
		}
	}
}

// clock returns the first time once, then the other.
func clock(first, then time.Time) func() time.Time {
	var asked atomic.Bool
	return func() time.Time {
		if asked.Swap(true) {
			return then
		}
		return first
	}
}

// TestReplayIsBounded: where there is no room, nothing is let in; what is too old to be
// taken is forgotten (K-47).
func TestReplayIsBounded(t *testing.T) {
	r, err := newReplay("", time.Minute, started)
	if err != nil {
		t.Fatal(err)
	}
	r.most = 100
	for i := range r.most {
		if err := r.enter([16]byte{byte(i), 1}, noon, started); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.enter([16]byte{9, 9}, noon, started); !errors.Is(err, errFull) {
		t.Errorf("K-47: %v", err)
	}
	for i, now := range []time.Time{started.Add(2 * time.Minute), started.Add(4 * time.Minute)} {
		if err := r.enter([16]byte{9, 9, byte(i)}, noon, now); err != nil {
			t.Errorf("K-47: half %d: %v", i, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.young)+len(r.old) != 2 {
		t.Errorf("K-47: %d and %d are kept", len(r.young), len(r.old))
	}
}

func FuzzOuter(f *testing.F) {
	k := ticket()
	f.Add(k.Blob())
	k.Raw = true
	f.Add(k.Blob())
	f.Add(forge.Init(nil, nil))
	a := acceptor(f, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b), func() {
			n, err := parseOuter(b)
			if err == nil && !bytes.Contains(b, n.apReq) {
				t.Error("an AP-REQ that is not in the token")
			}
			if c, err := a.Accept(b, nil); (c == nil) == (err == nil) {
				t.Errorf("%v with %v", c, err)
			}
		})
	})
}

func FuzzKeytab(f *testing.F) {
	f.Add(forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 1, Key: short}))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b), func() {
			if k, err := ParseKeytab(b); (k == nil) == (err == nil) {
				t.Errorf("%v with %v", k, err)
			}
		})
	})
}

// FuzzTicket gives bytes of a KDC's choice to what reads a ticket after its decryption.
func FuzzTicket(f *testing.F) {
	f.Add([]byte("NegTokenInit"), []byte{1, 2})
	a := acceptor(f, nil)
	f.Fuzz(func(t *testing.T, data, more []byte) {
		k := ticket()
		k.PAC, k.PACFromClient = data, more
		if c, err := a.Accept(k.Blob(), nil); err == nil {
			t.Errorf("%v with a PAC of any bytes", c)
		}
	})
}

// TestWith: an acceptor of another configuration takes no token that the one before took,
// or may have taken and forgotten; a wrong configuration makes no acceptor (K-82).
func TestWith(t *testing.T) {
	now := noon
	a := acceptor(t, func(c *Config) {
		begun := false
		c.Now = func() time.Time {
			if !begun {
				begun = true
				return started
			}
			return now
		}
	})
	cfg := Config{Keys: keys(t), Realm: realm, Domain: domain, Now: func() time.Time { return now }}
	k := ticket()
	blob := k.Blob()
	if _, err := a.Accept(blob, nil); err != nil {
		t.Fatal(err)
	}
	b, err := a.With(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Accept(blob, nil); !errors.Is(err, errReplay) {
		t.Errorf("K-82: a token that was taken before: %v", err)
	}
	fresh := ticket()
	if _, err := b.Accept(fresh.Blob(), nil); err != nil {
		t.Errorf("K-82: a token that was not: %v", err)
	}
	cfg.Skew = time.Minute
	if b, err = b.With(cfg); err != nil {
		t.Fatal(err)
	}
	fresh = ticket()
	if _, err := b.Accept(fresh.Blob(), nil); err != nil {
		t.Errorf("K-82: with a smaller skew: %v", err)
	}
	cfg.Skew = 30 * time.Minute
	if b, err = b.With(cfg); err != nil {
		t.Fatal(err)
	}
	old := ticket()
	old.At = noon.Add(-10 * time.Minute) // one of the time before may be forgotten
	if _, err := b.Accept(old.Blob(), nil); !errors.Is(err, errBefore) {
		t.Errorf("K-82: with a greater skew, one of before: %v", err)
	}
	now = noon.Add(2 * time.Second)
	fresh = ticket()
	fresh.At = now
	if _, err := b.Accept(fresh.Blob(), nil); err != nil {
		t.Errorf("K-82: with a greater skew: %v", err)
	}
	if c, err := b.With(Config{Keys: keys(t)}); c != nil || err == nil {
		t.Errorf("K-82: without a realm: %v", err)
	}
}
