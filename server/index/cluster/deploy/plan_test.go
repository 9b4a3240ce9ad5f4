package deploy

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// written applies a site file to a folder and returns what was printed and the contents of all files.
func written(t *testing.T, text, out string) (said string, all files) {
	t.Helper()
	f, err := Read([]byte(text))
	check.NoError(t, err)
	p, err := Compare(f, out)
	check.NoError(t, err)
	check.NoError(t, p.Write())
	var b bytes.Buffer
	check.NoError(t, p.Print(&b))
	all = files{}
	err = filepath.WalkDir(out, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("N-124: %s has mode %v, want 0600", at, info.Mode())
		}
		name, _ := filepath.Rel(out, at)
		all[name], err = os.ReadFile(at)
		return err
	})
	check.NoError(t, err)
	return b.String(), all
}

// changed returns the names of the files that differ.
func changed(before, after files) (out []string) {
	for name := range before {
		if !bytes.Equal(before[name], after[name]) {
			out = append(out, name)
		}
	}
	for name := range after {
		if before[name] == nil {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// TestDeployPlanGivesEachMachineItsSecrets checks which secrets each machine gets, and that a second run changes
// nothing and says so (N-124).
func TestDeployPlanGivesEachMachineItsSecrets(t *testing.T) {
	out := filepath.Join(t.TempDir(), "a site")
	said, first := written(t, small, out)
	for machine, want := range map[string]string{"mq1": "ca.pem keeper.seed server-key.pem server.pem work.seed",
		"files1": "ca.pem watch-files1.seed", "search1": "ca.pem directory.seed follow.seed",
		"keys": "ca-key.pem ca.pem directory.seed follow.seed keeper.seed watch-files1.seed work.seed"} {
		var got []string
		for name := range first {
			if dir, file := filepath.Split(name); dir == machine+"/" && (strings.HasSuffix(file, ".seed") ||
				strings.HasSuffix(file, ".pem")) {
				got = append(got, file)
			}
		}
		slices.Sort(got)
		check.That(t, strings.Join(got, " ") == want, "N-124: %s has %q, want %q", machine, got, want)
		if command := "sh /etc/refmon-index/install.sh"; machine != "keys" && !strings.Contains(said,
			"tar -cC '"+out+"/"+machine+"' . | ssh root@"+machine+
				" 'mkdir -p /etc/refmon-index && tar -xoC /etc/refmon-index --no-overwrite-dir && "+command+"'\n") {
			t.Errorf("no command for %s in\n%s", machine, said)
		}
	}
	again, second := written(t, small, out)
	if diff := changed(first, second); len(diff) > 0 || strings.Count(again, "unchanged") != 4 ||
		strings.Contains(again, "ssh") {
		t.Errorf("N-124: a second run changed %q and printed\n%s\nwant four times unchanged", diff, again)
	}
	check.Equal(t, check.Err(site.Load(filepath.Join(out, "mq1"))), nil, "the site of mq1")
	check.Equal(t, check.Err(site.ServerTLS(filepath.Join(out, "mq1"))), nil, "the certificate of mq1")
}

// TestSiteChangeRewritesOnlyAffectedFiles checks that a change of the file changes the files that it affects, and keeps
// all keys (N-124).
func TestSiteChangeRewritesOnlyAffectedFiles(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	_, first := written(t, small, out)
	_, second := written(t, small+"postgres: host=/run/postgresql\n", out)
	if got := changed(first, second); !slices.Equal(got, []string{"search1/follow.yaml"}) {
		t.Errorf("N-124: a database changed %q, want search1/follow.yaml", got)
	}
	added := small + "  files2: {runs: [watch], trees: [/home]}\n"
	said, third := written(t, added, out)
	for _, name := range changed(second, third) {
		old := second[name] != nil && !strings.HasSuffix(name, "/"+site.SiteName) && name != "search1/follow.yaml"
		if old || strings.HasPrefix(name, "keys/") && name != "keys/site.json" && name != "keys/watch-files2.seed" {
			t.Errorf("N-124: a new machine changed %s", name)
		}
	}
	if !strings.Contains(said, "\nfiles2 (watch): new ") ||
		!strings.Contains(said, "\nmq1 (broker, work): changed site.json\n") {
		t.Errorf("a new machine: printed\n%s", said)
	}
	interrupted := filepath.Join(out, "files3") // by a run that wrote one file
	check.NoError(t, errors.Join(os.Mkdir(interrupted, 0o700),
		os.WriteFile(filepath.Join(interrupted, site.SiteName), nil, 0o600)))
	said, fourth := written(t, small, out)
	if !strings.Contains(said, "\nfiles3: no longer in the site.\n") ||
		!strings.Contains(said, "\nfiles2: no longer in the site. There, run: systemctl disable --now "+
			"refmon-index-watch.service\n") || fourth["files2/site.json"] != nil ||
		fourth["keys/watch-files2.seed"] != nil || !bytes.Equal(fourth["keys/work.seed"], first["keys/work.seed"]) {
		t.Errorf("a removed machine: printed\n%s", said)
	}
	renamed := strings.Replace(small, "files1: {", "files9: {address: files1, ", 1)
	said, _ = written(t, renamed, out)
	stop, start := strings.Index(said, "There, run: systemctl disable"), strings.Index(said, "ssh root@files1 ")
	check.That(t, stop >= 0 && stop < start, "a renamed machine: it would stop its new programs:\n%s", said)
	said, _ = written(t, strings.Replace(renamed, "search1: {", "search1: {address: 192.0.2.9, ", 1), out)
	check.That(t, strings.Contains(said, "ssh root@192.0.2.9 "), "a moved machine: no command in\n%s", said)
	said, _ = written(t, strings.Replace(small, "directory: /etc/refmon-index/company.yaml",
		"ldap: {server: [ldaps://x], domain: S-1-5-21-1-2-3, account: a, passwordFile: /p}", 1), out)
	check.That(t, strings.Contains(said, "needs /p, "), "LDAP instead of a file: the password file is not in\n%s", said)
	_, fourth = written(t, small, out)
	_, fifth := written(t, strings.Replace(small, "mq1: {", "mq1: {address: 192.0.2.1, ", 1), out)
	if got := changed(fourth, fifth); !slices.Contains(got, "mq1/server.pem") || slices.Contains(got, "mq1/ca.pem") {
		t.Errorf("N-124: another address changed %q, want a certificate of the same authority", got)
	}
	check.NoError(t, os.Remove(filepath.Join(out, keysFolder, "work.seed")))
	_, sixth := written(t, small, out)
	if got := changed(fifth, sixth); bytes.Equal(sixth["mq1/work.seed"], first["mq1/work.seed"]) ||
		!slices.Contains(got, "mq1/site.json") || slices.Contains(got, "mq1/keeper.seed") {
		t.Errorf("N-124: a run without the workers' key changed %q, want a new key that the brokers accept", got)
	}
	for _, other := range []string{"rights: read+write", "share: 'O:SYG:SYD:(A;;FA;;;WD)'", "traverse: never",
		"parts: 8"} {
		f, err := Read([]byte(small + other + "\n"))
		check.NoError(t, err)
		if _, err := Compare(f, out); err == nil || !strings.Contains(err.Error(), "cannot change") {
			t.Errorf("N-124: %s: %v, want an error", other, err)
		}
	}
}

// TestFilesHaveSettingsOfTheirMachine checks settings that differ between machines, that an incomplete certificate is
// issued again, and that a partly written file is removed.
func TestFilesHaveSettingsOfTheirMachine(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	const ldap = "ldap: {server: [ldaps://x], domain: S-1-5-21-1-2-3, account: a, passwordFile: /etc/password}\n" +
		"postgres: host=all\n"
	text := strings.Replace(small, "directory: /etc/refmon-index/company.yaml\n", ldap, 1) +
		"  mq2: {runs: [broker], state: /srv/nats}\n  mq3: {runs: [broker], folder: /srv/mq3}\n" +
		"  search2: {runs: [follow], postgres: host=own}\n  search3: {runs: [follow], bulk: /srv/lines/bulk}\n"
	said, first := written(t, text, out)
	for name, want := range map[string]string{"mq1/broker.yaml": `route: ["mq2:6222","mq3:6222"]`,
		"mq2/refmon-index-broker.service": "ReadWritePaths=/srv/nats\n", "search1/follow.yaml": `postgres: "host=all"`,
		"search2/follow.yaml": `postgres: "host=own"`, "mq3/site.json": `"replicas": 3`,
		"mq3/refmon-index-broker.service":     "/usr/bin/refmon-index broker --config /srv/mq3/broker.yaml\n",
		"mq2/install.sh":                      "-g refmon-index /srv/nats\nfor u in " + unitName(broker) + "; do\n\t[ -e ",
		"mq3/install.sh":                      "640 *\nfor u in " + unitName(broker) + "; do\n\t[ -e ",
		"search3/refmon-index-follow.service": "\nReadWritePaths=/srv/lines\n",
		"search3/install.sh":                  "\n\tinstall -m 644 \"$u\" /etc",
		"search2/install.sh": "640 *\nfor u in " + unitName(follow) + "; do\n" +
			"\tif [ ! -e \"/usr/lib/systemd/system/$u\" ]; then\n\t\tinstall"} {
		check.That(t, strings.Contains(string(first[name]), want), "%s: %s, want %s", name, first[name], want)
	}
	const needs = "needs /etc/password, which must belong to the user refmon-index and have mode 600"
	check.That(t, strings.Contains(said, needs), "%s, want %s", said, needs)
	check.NoError(t, os.Remove(filepath.Join(out, "mq1", site.ServerKeyName)))
	check.NoError(t, os.WriteFile(filepath.Join(out, "mq1", site.ServerName+newSuffix), nil, 0o600))
	said, second := written(t, text, out)
	if got := changed(first, second); !slices.Equal(got, []string{"mq1/server-key.pem", "mq1/server.pem"}) ||
		strings.Contains(said, needs) || !strings.Contains(said, "; removed "+site.ServerName+newSuffix+"\n") {
		t.Errorf("without a key the run changed %q, want the key and its certificate\n%s", got, said)
	}
	// A run that failed between two files of a pair leaves a key without its certificate. The next run repairs that.
	for name, leave := range map[string]func() error{
		"server": func() error {
			return os.WriteFile(filepath.Join(out, "mq1", site.ServerKeyName), first["mq1/"+site.ServerKeyName], 0o600)
		},
		"authority":           func() error { return os.Remove(filepath.Join(out, keysFolder, site.AuthorityName)) },
		"authority's key and": func() error { return os.Remove(filepath.Join(out, keysFolder, authorityKeyName)) },
	} {
		check.NoError(t, leave())
		_, all := written(t, text, out)
		_, err := site.ServerTLS(filepath.Join(out, "mq1"))
		check.That(t, err == nil && all["keys/"+authorityKeyName] != nil,
			"N-124: after a failed write of the %s's certificate: %v", name, err)
	}
	for word, want := range map[string]string{"out": "out", "/a/b": "/a/b", "/a b": "'/a b'", "it's": `'it'\''s'`} {
		check.Equal(t, quote(word), want, "%s for a shell", word)
	}
}

// TestConfigurationsHaveEachSetting checks each line of the configuration files of a site with NATS servers of its own,
// and which files a site with those of others has.
func TestConfigurationsHaveEachSetting(t *testing.T) {
	const text = "ldap: {server: [ldaps://dc1], domain: S-1-5-21-1-2-3, account: a, passwordFile: /p, " +
		"ca: /c, base: DC=x}\n" +
		"rights: read+write\nparts: 8\nmachines:\n  mq1: {runs: [broker], address: 192.0.2.1}\n  mq2: {runs: [broker]}\n" +
		"  mq3: {runs: [broker, directory]}\n  main: {runs: [follow, work], postgres: host=x, bulk: /b/lines}\n" +
		"  files1: {runs: [watch], trees: [/srv], watch: /run/w, noEvents: true, every: 1m}\n  plain: {runs: [follow]}\n"
	_, all := written(t, text, filepath.Join(t.TempDir(), "out"))
	for name, want := range map[string]string{
		"mq1/broker.yaml": `name: "mq1"` + "\n" + `listen: "192.0.2.1:4222"` + "\n" +
			`store: "/var/lib/refmon-index/broker"` + "\n" + `cluster: "192.0.2.1:6222"` + "\n" +
			`route: ["mq2:6222","mq3:6222"]` + "\n",
		"mq3/directory.yaml": `ldap-server: ["ldaps://dc1"]` + "\n" + `ldap-domain: "S-1-5-21-1-2-3"` + "\n" +
			`ldap-account: "a"` + "\n" + `ldap-password-file: "/p"` + "\n" + `ldap-ca: "/c"` + "\n" +
			`ldap-base: "DC=x"` + "\n",
		"main/work.yaml": `name: "main"` + "\n",
		"files1/watch.yaml": `host: "files1"` + "\n" + `watch: "/run/w"` + "\n" +
			"no-events: true\n" + `every: "1m"` + "\n",
		"main/follow.yaml": `name: "main"` + "\n" + `state: "/var/lib/refmon-index/follow"` + "\n" + `postgres: "host=x"` +
			"\n" + `bulk: "/b/lines"` + "\n",
	} {
		role := strings.TrimSuffix(filepath.Base(name), ".yaml")
		check.Equal(t, string(all[name]), "# The flags of refmon-index "+role+
			". Written by refmon-index site: change the site file instead.\nsite: \"/etc/refmon-index\"\n"+want, "%s",
			name)
	}
	for name, want := range map[string]bool{"main/" + unitName(follow): true, "main/" + unitName(work): false,
		"plain/" + unitName(follow): false} {
		check.Equal(t, bytes.Contains(all[name], []byte("[Service]\nReadWritePaths=")), want, "%s may write lines", name)
	}
	s := check.Must(site.Read(all["mq2/site.json"]))
	check.That(t, s.Rights == "read+write" && s.Traverse == "host" && s.Parts == 8 && s.Deciders == 8 && s.Replicas == 3 &&
		slices.Equal(s.Followers, []string{"main", "plain"}) && slices.Equal(s.Hosts["files1"], []string{"/srv"}),
		"the site is %+v", s)
	check.Equal(t, check.Must(Read([]byte(text+"replicas: 1\n"))).site().Replicas, 1, "replicas that the file names")
	check.Equal(t, check.Must(Read([]byte(small))).site().Replicas, 0, "replicas that a file with one broker names")
	ours := site.Authority{Certificate: all["keys/"+site.AuthorityName], Key: all["keys/"+authorityKeyName]}
	check.That(t, ours.Holds(all["mq1/"+site.ServerName], all["mq1/"+site.ServerKeyName], "192.0.2.1"),
		"the certificate of mq1 is not for its address")

	authority := filepath.Join(t.TempDir(), "ca.pem")
	check.NoError(t, os.WriteFile(authority, []byte("of others"), 0o600))
	others := strings.Replace(small, "broker, work", "work, keep", 1) + "nats: [tls://x:1]\nnatsCA: " + authority + "\n"
	out := filepath.Join(t.TempDir(), "out")
	_, err := Compare(check.Must(Read([]byte(others))), out)
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "natsCA: "+authority+": no certificate"),
		"a file without a certificate: %v, want an error that names it", err)
	check.NoError(t, errors.Join(os.Remove(authority), syscall.Mkfifo(authority, 0o600)))
	_, err = Compare(check.Must(Read([]byte(others))), out)
	check.That(t, err != nil && strings.Contains(err.Error(), authority+" is not a regular file"), "a pipe: %v", err)
	check.NoError(t, os.Remove(authority))
	ca := check.Must(site.NewAuthority()).Certificate
	check.NoError(t, os.WriteFile(authority, ca, 0o600))
	said, all := written(t, others, out)
	again, _ := written(t, others+"postgres: host=x\n", out)
	const include = "\nNATS servers: include the new nats.conf of a machine in their configuration, and reload them.\n"
	check.That(t, strings.Contains(said, include) && !strings.Contains(again, include), "printed\n%s\nand then\n%s", said,
		again)
	check.That(t, all["keys/"+authorityKeyName] == nil && bytes.Equal(all["mq1/"+site.AuthorityName], ca) &&
		bytes.Equal(all["keys/"+site.AuthorityName], ca) &&
		all["mq1/"+site.SeedName(site.Keeper)] != nil && len(all["files1/"+site.AccountName]) > 0,
		"with NATS servers of others the files are %q", slices.Sorted(maps.Keys(all)))
}

// TestSiteSurvivesPowerFailure checks that the files of a site and the names of new folders are durable when a run
// ends, and that a run returns errors of the disk (N-124).
func TestSiteSurvivesPowerFailure(t *testing.T) {
	above := t.TempDir()
	out := filepath.Join(above, "out")
	keys := filepath.Join(out, keysFolder)
	p := check.Must(Compare(check.Must(Read([]byte(small))), out))
	var done []string
	p.faults = func(operation, name string) error {
		done = append(done, operation+" "+name)
		return nil
	}
	check.NoError(t, p.Write())
	key := filepath.Join(keys, authorityKeyName)
	for _, want := range []string{"syncdir " + above, "syncdir " + out, "sync " + key + newSuffix, "rename " + key,
		"syncdir " + keys, "syncdir " + out, "syncdir " + filepath.Join(out, "mq1")} {
		i := slices.Index(done, want)
		check.RequireThat(t, i >= 0, "N-124: %q is not among the operations that follow: %q", want, done)
		done = done[i+1:]
	}
	for _, kind := range []string{"create", "write", "sync", "rename", "syncdir"} {
		for _, part := range []string{keysFolder, "mq1", "search1"} {
			p := check.Must(Compare(check.Must(Read([]byte(small))), filepath.Join(t.TempDir(), "out")))
			p.faults = func(operation, name string) error {
				if operation == kind && strings.Contains(name, "out/"+part) {
					return syscall.EIO
				}
				return nil
			}
			check.ErrorIs(t, p.Write(), syscall.EIO, "N-124: %s fails in %s", kind, part)
		}
	}
}

// TestDamagedKeysAreNamed checks that a damaged authority and a key that two roles have are errors with the names of
// the files (N-124).
func TestDamagedKeysAreNamed(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	_, all := written(t, small, out)
	f, err := Read([]byte(small))
	check.NoError(t, err)
	for name, c := range map[string]struct{ text, want string }{
		"work.seed":      {string(all["keys/follow.seed"]), "keys/follow.seed and keys/work.seed have the same key: "},
		"ca.pem":         {"-----BEGIN CERT", "keys/ca.pem and keys/ca-key.pem: tls: failed to find"},
		authorityKeyName: {"", "keys/ca.pem and keys/ca-key.pem: tls: failed to find"}} {
		at := filepath.Join(out, keysFolder, name)
		check.NoError(t, os.WriteFile(at, []byte(c.text), 0o600))
		_, err := Compare(f, out)
		check.That(t, err != nil && strings.HasPrefix(err.Error(), c.want) && strings.Contains(err.Error(), "restore"),
			"N-124: %s: %v, want %q", name, err, c.want)
		check.NoError(t, os.WriteFile(at, all[keysFolder+"/"+name], 0o600))
	}
}

// TestUnexpectedFileInOutputIsNamed checks that a file that no run wrote is an error with its name, also in the folder
// of a machine that the site no longer has. A symbolic link in place of a file is such a file, and the lost+found of a
// new disk is not.
func TestUnexpectedFileInOutputIsNamed(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	_, _ = written(t, small+"  files2: {runs: [watch], trees: [/home]}\n", out)
	f, err := Read([]byte(small))
	check.NoError(t, err)
	for _, name := range []string{"notes.txt", "keys/notes.yaml", "files1/notes.txt", "files2/notes.service",
		"files1/" + site.ServerName} {
		at := filepath.Join(out, name)
		if strings.HasSuffix(name, site.ServerName) {
			check.NoError(t, os.Symlink(site.AuthorityName, at))
		} else {
			check.NoError(t, os.WriteFile(at, nil, 0o600))
		}
		if _, err := Compare(f, out); err == nil || !strings.Contains(err.Error(), at+": ") {
			t.Errorf("%s: %v, want an error that names it", name, err)
		}
		check.NoError(t, os.Remove(at))
	}
	check.NoError(t, os.Mkdir(filepath.Join(out, "lost+found"), 0o700))
	if p, err := Compare(f, out); err != nil || len(p.gone) != 1 || p.gone[0].name != "files2" {
		t.Errorf("without them: %v, want files2 gone", err)
	}
}

// TestInstallScriptRemovesFilesOfFormerRoles checks that a machine's script removes each file that the machine had for
// other roles or other NATS servers, and no file that it has now.
func TestInstallScriptRemovesFilesOfFormerRoles(t *testing.T) {
	machines := func(nats, first string, others ...string) files {
		text := "directory: /company.yaml\n" + nats + "machines:\n  m: {runs: [" + first + "]}\n"
		if others != nil {
			text += "  o: {runs: [" + strings.Join(others, ", ") + "]}\n"
		}
		_, all := written(t, strings.Replace(text, "watch", "watch], trees: [/srv", 1), filepath.Join(t.TempDir(), "out"))
		return all
	}
	var sites []files
	for server, nats := range map[string]string{broker: "", keep: "nats: [tls://x:1]\n"} {
		all := []string{server, directory, follow, work, watch}
		sites = append(sites, machines(nats, strings.Join(all, ", ")))
		for i, role := range all {
			sites = append(sites, machines(nats, role, slices.Delete(slices.Clone(all), i, i+1)...))
		}
	}
	before := map[string]bool{}
	for _, s := range sites {
		for name := range s {
			if file, ok := strings.CutPrefix(name, "m/"); ok {
				before[file] = true
			}
		}
	}
	for _, now := range sites {
		_, list, _ := strings.Cut(string(now["m/install.sh"]), "\nrm -f ")
		list, _, _ = strings.Cut(list, "\n")
		for file := range before {
			check.Equal(t, slices.Contains(strings.Fields(list), file), now["m/"+file] == nil,
				"a machine with the files %q: its script removes %s", slices.Sorted(maps.Keys(now)), file)
		}
	}
}

// recorders returns a folder in dir with commands that append their name and arguments to dir/ran.
func recorders(t *testing.T, dir string) (bin string) {
	t.Helper()
	bin = filepath.Join(dir, "bin")
	check.NoError(t, os.Mkdir(bin, 0o700))
	for _, name := range []string{"getent", "useradd", "chown", "install", "systemctl"} {
		script := "#!/bin/sh\necho " + name + " \"$@\" >>" + dir + "/ran\n"
		check.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700))
	}
	return bin
}

// TestInstallScriptPrefersUnitOfPackage checks that the script of a machine with the default folders removes a unit
// that an earlier run installed for others, because it would override that of the package. It keeps a unit and a link
// of an administrator. Without the package it installs the unit. The password of LDAP stays readable by its user alone.
func TestInstallScriptPrefersUnitOfPackage(t *testing.T) {
	dir := t.TempDir()
	text := strings.Replace(small, "directory: /etc/refmon-index/company.yaml",
		"ldap: {server: [ldaps://x], domain: S-1-5-21-1-2-3, account: a, passwordFile: /etc/refmon-index/password}", 1)
	_, all := written(t, text, filepath.Join(dir, "out"))
	check.That(t, !bytes.Contains(all["mq1/"+installerName], []byte("password")), "mq1 gets the password of LDAP")
	at, bin := filepath.Join(dir, "out", "search1"), recorders(t, dir)
	script := strings.NewReplacer("/usr/lib/", dir+"/lib/", "/etc/refmon-index", at, "/etc/", dir+"/etc/",
		"/usr/bin/refmon-index", "/bin/sh").Replace(string(check.Must(os.ReadFile(filepath.Join(at, installerName)))))
	lib, etc := filepath.Join(dir, "lib/systemd/system"), filepath.Join(dir, "etc/systemd/system")
	unit := filepath.Join(etc, unitName(follow))
	secret := filepath.Join(at, "password")
	check.NoError(t, errors.Join(os.MkdirAll(lib, 0o700), os.MkdirAll(etc, 0o700), os.WriteFile(secret, nil, 0o600),
		os.WriteFile(filepath.Join(lib, unitName(follow)), nil, 0o600),
		os.WriteFile(unit, check.Must(os.ReadFile(filepath.Join(at, unitName(follow)))), 0o600)))
	run := func() {
		t.Helper()
		cmd := exec.Command("sh", "-c", script)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		check.RequireThat(t, err == nil, "%v: %s", err, out)
	}
	run()
	check.ErrorIs(t, check.Err(os.Lstat(unit)), os.ErrNotExist, "the unit of an earlier run")
	ran := string(check.Must(os.ReadFile(filepath.Join(dir, "ran"))))
	for want, is := range map[string]bool{"install -m 644 " + unitName(directory) + " ": true,
		"systemctl disable --quiet " + unitName(follow) + "\n": true,
		"install -m 644 " + unitName(follow) + " ":             false, "install -d": false,
		"chown refmon-index " + secret + "\n": true} {
		check.Equal(t, strings.Contains(ran, want), is, "the script ran %q, among\n%s", want, ran)
	}
	check.Equal(t, check.Must(os.Stat(secret)).Mode().Perm(), 0o600, "mode of the password file")
	check.NoError(t, os.WriteFile(unit, []byte("[Service]"), 0o600))
	run()
	check.NoError(t, os.Remove(unit))
	check.NoError(t, os.Symlink("/dev/null", unit))
	run()
	check.NoError(t, os.Remove(unit))
}

// TestInstallScriptRunsExpectedCommands runs a machine's script with commands that record their arguments.
func TestInstallScriptRunsExpectedCommands(t *testing.T) {
	dir := t.TempDir()
	text := strings.Replace(small, "mq1: {", "mq1: {folder: "+dir+"/mq1, state: "+dir+"/state, ", 1)
	_, _ = written(t, text, dir)
	bin := recorders(t, dir)
	script, err := os.ReadFile(filepath.Join(dir, "mq1", "install.sh"))
	check.NoError(t, err)
	program := filepath.Join(bin, "refmon-index")
	install := func() (string, error) {
		cmd := exec.Command("sh", "-c", strings.ReplaceAll(string(script), "/usr/bin/refmon-index", program))
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := install(); err == nil || !strings.Contains(out, program+" is missing, which the units run") {
		t.Errorf("without the program: %v, %s", err, out)
	}
	check.That(t, check.Err(os.Stat(filepath.Join(dir, "ran"))) != nil,
		"without the program the script changes the machine")
	check.NoError(t, os.WriteFile(program, nil, 0o700))
	for in, want := range map[string]string{"mq1": "has the folder own", "state": "state has files of another user"} {
		check.NoError(t, os.MkdirAll(filepath.Join(dir, in, "own"), 0o700))
		out, err := install()
		check.That(t, err != nil && strings.Contains(out, want) && check.Err(os.Stat(filepath.Join(dir, "ran"))) != nil,
			"N-144: a folder of others in %s: %v, %s, want %q and no command", in, err, out, want)
		check.NoError(t, os.Remove(filepath.Join(dir, in, "own")))
	}
	check.NoError(t, os.Mkdir(filepath.Join(dir, "state", "lost+found"), 0o700))
	out, err := install()
	check.That(t, err == nil, "N-144: a new disk as state: %v, %s", err, out)
	// A link to a folder of refmon-index does not count as another user's folder.
	check.NoError(t, errors.Join(os.Rename(filepath.Join(dir, "state"), filepath.Join(dir, "disk")),
		os.Symlink("disk", filepath.Join(dir, "state")), os.WriteFile(filepath.Join(dir, "disk", "f"), nil, 0o600),
		os.WriteFile(filepath.Join(bin, "stat"), []byte("#!/bin/sh\ntest $1 = -L && echo refmon-index || echo root"), 0o700)))
	if out, err := install(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ran := check.Must(os.ReadFile(filepath.Join(dir, "ran")))
	for _, want := range []string{"systemctl disable --now refmon-index-follow.service\n",
		"install -m 644 refmon-index-broker.service /etc/systemd/system/\n",
		"systemctl enable refmon-index-broker.service refmon-index-work.service\n",
		"systemctl restart refmon-index-broker.service refmon-index-work.service\n",
		"install -d -m 700 -o refmon-index -g refmon-index " + dir + "/state\n"} {
		check.That(t, strings.Contains(string(ran), want), "the script did not run %q, but\n%s", want, ran)
	}
}

// TestPrintedCommandKeepsModeOfFolder checks that the printed command copies all files of a machine and keeps the mode
// of an existing folder, which the install script may reject.
func TestPrintedCommandKeepsModeOfFolder(t *testing.T) {
	out, folder := t.TempDir(), t.TempDir()
	check.NoError(t, errors.Join(os.Chmod(folder, 0o755), os.WriteFile(filepath.Join(out, "ssh"),
		[]byte("#!/bin/sh\nexec sh -c \"$2\"\n"), 0o700)))
	site := filepath.Join(out, "site")
	said, all := written(t, strings.Replace(small, "mq1: {", "mq1: {folder: "+folder+", ", 1), site)
	_, line, _ := strings.Cut(said, "\nmq1 (")
	_, line, _ = strings.Cut(line, "\n")
	command, _, _ := strings.Cut(line, " && sh "+folder)
	cmd := exec.Command("sh", "-c", command+"'")
	cmd.Env = append(os.Environ(), "PATH="+out+":"+os.Getenv("PATH"))
	text, err := cmd.CombinedOutput()
	check.That(t, err == nil, "%s: %v, %s", command, err, text)
	for name, want := range all {
		if file, ok := strings.CutPrefix(name, "mq1/"); ok {
			check.Equal(t, string(check.Must(os.ReadFile(filepath.Join(folder, file)))), string(want), "%s", file)
		}
	}
	check.Equal(t, check.Must(os.Stat(folder)).Mode().Perm(), 0o755, "mode of the folder")
}

// TestOnlyFilesOfARunAreReplaced checks which names in a site's folder may come from an earlier run: a seed needs the
// name of a role, and a watcher's seed that of a machine (N-124).
func TestOnlyFilesOfARunAreReplaced(t *testing.T) {
	for name, want := range map[string]bool{site.SiteName: true, site.SiteName + newSuffix: true, "work.seed": true,
		"watch-files1.seed": true, "watch-files1.seed" + newSuffix: true, "watch-.seed": false, "watch-F 1.seed": false,
		"watch-files1": false, "work": false, "other.seed": false, "notes.txt": false} {
		check.Equal(t, ours(name), want, "%q", name)
	}
}
