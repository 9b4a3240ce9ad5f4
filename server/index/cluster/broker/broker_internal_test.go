package broker

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestBrokerWithoutTLSListensOnLoopbackOnly checks the server's configuration: its addresses, each role's permissions,
// and that clients authenticate by keys and servers by certificates. Without TLS only loopback addresses
// are accepted (N-46, N-47).
func TestBrokerWithoutTLSListensOnLoopbackOnly(t *testing.T) {
	s, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}}})
	check.NoError(t, err)
	secure := &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.VerifyClientCertIfGiven}
	o, err := (&Options{Name: "n", Listen: "192.0.2.1:4222", Cluster: "192.0.2.1:6222", Routes: []string{"b:1", "c:2"},
		TLS: secure, Store: "/store"}).options(s)
	check.NoError(t, err)
	if o.ServerName != "n" || o.StoreDir != "/store" || !o.JetStream || o.DontListen || o.Host != "192.0.2.1" ||
		o.Port != 4222 ||
		o.MaxPayload != 8<<20 || o.MaxControlLine != 4096 || !o.NoSigs || o.NoSystemAccount || o.TLSTimeout != 5 ||
		o.TLSConfig.ClientAuth != tls.NoClientCert || o.TLSConfig.MinVersion != tls.VersionTLS13 {
		t.Errorf("N-47: %+v", o)
	}
	if c := o.Cluster; c.Name != "refmon" || c.Host != "192.0.2.1" || c.Port != 6222 || c.Advertise != "192.0.2.1:6222" ||
		c.TLSTimeout != 5 || c.TLSConfig.ClientAuth != tls.RequireAndVerifyClientCert ||
		c.TLSConfig.MinVersion != tls.VersionTLS13 {
		t.Errorf("N-47: %+v", c)
	}
	check.Equal(t, secure.ClientAuth, tls.VerifyClientCertIfGiven,
		"the configuration of the caller was changed")
	if len(o.Routes) != 2 || o.Routes[0].String() != "nats-route://b:1" || o.Routes[1].String() != "nats-route://c:2" {
		t.Errorf("the routes are %v, want nats-route://b:1 and nats-route://c:2", o.Routes)
	}
	var roles []string
	for _, k := range o.Nkeys {
		for _, r := range s.Roles() {
			if s.Keys[string(r)] != k.Nkey {
				continue
			}
			roles = append(roles, string(r))
			if p := s.Permissions(r); !reflect.DeepEqual(k.Permissions.Publish.Allow, p.Publish) ||
				!reflect.DeepEqual(k.Permissions.Subscribe.Allow, p.Hear) {
				t.Errorf("N-46: %s may %+v %+v", r, k.Permissions.Publish, k.Permissions.Subscribe)
			}
		}
	}
	slices.Sort(roles) // the server's order of accounts is random
	check.That(t, slices.Equal(roles, []string{"directory", "follow", "keeper", "watch-a", "work"}),
		"N-46: the roles are %q", roles)
	o, err = (&Options{Store: "/store"}).options(s)
	check.That(t, err == nil && o.DontListen && o.TLSConfig == nil && o.Cluster.Name == "" && len(o.Routes) == 0,
		"it listens: %+v, %v", o, err)
	o, err = (&Options{Listen: "127.0.0.1:0", Cluster: "127.0.0.1:7"}).options(s)
	check.That(t, err == nil && o.Port == -1 && o.TLSConfig == nil && o.Cluster.TLSConfig == nil && o.Cluster.Port == 7,
		"without TLS: %+v, %v", o, err)
	for _, c := range []struct {
		at           string
		secure, want bool
	}{{"127.0.0.1:1", false, true}, {"[::1]:1", false, true}, {"127.9.9.9:1", false, true}, {"192.0.2.1:1", false, false},
		{"localhost:1", false, false}, {":1", false, false}, {"0.0.0.0:1", false, false}, {"192.0.2.1:1", true, true},
		{"host:1", true, true}, {"host", true, false}, {"host:x", true, false}, {"127.0.0.1", false, false}} {
		if _, _, err := address(c.at, c.secure); (err == nil) != c.want {
			t.Errorf("N-47: %s, with TLS %t: %v", c.at, c.secure, err)
		}
		o := Options{Cluster: c.at}
		if c.secure {
			o.TLS = secure
		}
		if _, err := o.options(s); (err == nil) != c.want {
			t.Errorf("N-47: a cluster at %s, with TLS %t: %v", c.at, c.secure, err)
		}
	}
	var logged []string
	l := lines{func(line string) { logged = append(logged, line) }}
	l.Noticef("a")
	l.Debugf("b")
	l.Tracef("c")
	l.Warnf("%s1", "w")
	l.Errorf("%s2", "e")
	l.Fatalf("%s3", "f")
	check.That(t, slices.Equal(logged, []string{"w1", "e2", "f3"}), "logged %q, want [w1 e2 f3]", logged)
}

// TestMessageStoreIsUnlockedAfterRun checks that done removes the messages and unlocks their folder for the next run
// (N-10).
func TestMessageStoreIsUnlockedAfterRun(t *testing.T) {
	a := &Alone{State: filepath.Join(t.TempDir(), "state")}
	for range 2 {
		dir, done, err := a.store()
		check.RequireThat(t, err == nil, "N-10: store: %v", err)
		check.NoError(t, os.Mkdir(dir, 0o700))
		_, _, err = a.store()
		check.ErrorIs(t, err, unix.EWOULDBLOCK, "N-10: a second run")
		done()
		_, err = os.Stat(dir)
		check.ErrorIs(t, err, os.ErrNotExist, "N-10: the messages after the run")
	}
}
