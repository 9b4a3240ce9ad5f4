package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/server/index/site"
)

// TestSiteMade: the site says each flag of the verb that makes it, all of them other than each other; what
// is not given has its default. Each role has a key, and the folder its seed; nothing is made of what is refused.
func TestSiteMade(t *testing.T) {
	const host, server = "--host files1=/srv/a", "--server 127.0.0.1:4222"
	servers := func(n int) string { return strings.Repeat(" "+server, n) }
	tls := []string{"tls://127.0.0.1:4222"}
	one := map[string][]string{"files1": {"/srv/a"}}
	for _, c := range []struct {
		args string
		want site.Site // with the zero value: it is refused
		says string
	}{
		{host + servers(1), site.Site{Servers: tls, Rights: "read", Traverse: "never", Hosts: one, Parts: 4, Deciders: 4,
			Replicas: 1}, "a site of 1 file servers and 1 message servers"},
		{host + servers(2), site.Site{Servers: slices.Repeat(tls, 2), Rights: "read", Traverse: "never", Hosts: one, Parts: 4,
			Deciders: 4, Replicas: 1}, "a site of 1 file servers and 2 message servers"},
		{host + servers(3), site.Site{Servers: slices.Repeat(tls, 3), Rights: "read", Traverse: "never", Hosts: one, Parts: 4,
			Deciders: 4, Replicas: 3}, "a site of 1 file servers and 3 message servers"},
		{host + servers(5) + " --replicas 2", site.Site{Servers: slices.Repeat(tls, 5), Rights: "read", Traverse: "never",
			Hosts: one, Parts: 4, Deciders: 4, Replicas: 2}, "a site of 1 file servers and 5 message servers"},
		{host + " --host files2=/srv/b --host files1=/srv/c=d --right read+write --share D:(A;;FR;;;WD) --traverse always " +
			"--parts 5 --nats nats://127.0.0.1:4223 --nats tls://h:1", site.Site{Servers: []string{"nats://127.0.0.1:4223",
			"tls://h:1"}, Rights: "read+write", Share: "D:(A;;FR;;;WD)", Traverse: "always",
			Hosts: map[string][]string{"files1": {"/srv/a", "/srv/c=d"}, "files2": {"/srv/b"}}, Parts: 5, Deciders: 5,
			Replicas: 1}, "a site of 2 file servers and 2 message servers"},
		{host, site.Site{}, "by --server, or those of others by --nats"},
		{host + servers(1) + " --nats tls://h:1", site.Site{}, "by --server, or those of others by --nats"},
		{"--host files1" + servers(1), site.Site{}, "want NAME=/DIR"},
		{"--host files1=srv" + servers(1), site.Site{}, "want an absolute path"},
		{"--host Files=/srv" + servers(1), site.Site{}, "want letters a-z"},
		{host + " --server 127.0.0.1", site.Site{}, "missing port"}, {servers(1), site.Site{}, "--host"},
		{host + servers(1) + " --right all", site.Site{}, "right"},
		{host + servers(1) + " --traverse often", site.Site{}, "often"},
		{host + servers(1) + " --parts 257", site.Site{}, "want 1 to 256"},
		{host + servers(1) + " --nats-ca /none", site.Site{}, "/none"},
	} {
		dir := filepath.Join(t.TempDir(), "site")
		var out, errs bytes.Buffer
		code := run(append([]string{"site", dir}, strings.Fields(c.args)...), &streams{out: &out, err: &errs})
		if c.want.Rights == "" {
			if _, err := os.Stat(dir); code != exitFailed || out.Len() > 0 || !strings.Contains(errs.String(), c.says) ||
				!os.IsNotExist(err) {
				t.Errorf("%s: code %d, %q and %q, want %q; the folder: %v", c.args, code, &out, &errs, c.says, err)
			}
			continue
		}
		if want := dir + ": " + c.says + "\n"; code != 0 || out.String() != want || errs.Len() > 0 {
			t.Errorf("%s: code %d, %q and %q, want %q", c.args, code, &out, &errs, want)
			continue
		}
		got, err := site.Load(dir)
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		roles := []string{"directory", "follow", "keeper", "watch-files1", "work"}
		if len(c.want.Hosts) > 1 {
			roles = slices.Insert(roles, 4, "watch-files2")
		}
		for _, role := range roles {
			info, err := os.Stat(filepath.Join(dir, role+".seed"))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: the seed of %s: %v, %v", c.args, role, info, err)
			}
		}
		seen := map[string]bool{}
		for _, key := range got.Keys {
			seen[key] = true
		}
		if len(got.Keys) != len(roles) || len(seen) != len(roles) {
			t.Errorf("%s: %d keys of %v, want those of %v", c.args, len(seen), got.Keys, roles)
		}
		if c.want.Keys = got.Keys; !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%s: the site is\n%+v, want\n%+v", c.args, *got, c.want)
		}
	}
}
