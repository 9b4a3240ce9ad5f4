package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// every is a configuration with each key, and no value that another key or the shipped one has.
const every = `state: /st
socket: /so
adminSocket: /ad
computer: COMPUTER
root: carol
profile: observed
administrators: [11, 12]
privileges:
  7: [SeBackupPrivilege, SeDebugPrivilege]
  8: [SeRestorePrivilege]
startAs: true
files:
  one: 'O:BAG:SYD:(A;;FA;;;BA)'
  two: 'D:(A;;FR;;;WD)'
trees:
  b:
    path: /srv/b/./x/
    attribute: user.NTACL
    share: 'D:(A;;FR;;;AU)'
    traverse: never
    missing: synthesise
    ignorePosix: true
    caseInsensitive: true
    accessBased: true
    fileMode: '0640'
    directoryMode: '0751'
    group: '77'
    descriptors: write
    exposed: true
    mount: /mnt/b
    hideUnreadable: true
    followLinks: true
  a:
    path: /srv/a
    traverse: always
    descriptors: read
kerberos:
  keytab: /kt
  realm: R.TEST
  services: [HTTP/w]
  domain: S-1-5-21-1-2-3
  skew: 61
  encryptionTypes: [18]
  requireBinding: true
  delegated: true
directory:
  servers: ['ldaps://h:1']
  security: signed
  ca: /ca
  base: DC=b
  name: N
  kdc: ['k:2']
  account: acc
  passwords: kdc
  unqualified: true
  claims: {c: 'attr:int64'}
  fresh: 62
  stale: 63
  groups: 64
  entries: 65
  attempts: 66
  attemptsPerAddress: 67
idNumbers: /ids
watch:
  socket: /wa
limits:
  connections: 71
  perUser: 72
  threads: 73
audit:
  keep: false
  required: false
log:
  level: debug
`

// loaded reads a configuration from a file.
func loaded(t *testing.T, text string) (*config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return load(file)
}

// TestConfigurationInFull: each key is read as what it says, and means that and nothing else.
func TestConfigurationInFull(t *testing.T) {
	got, err := loaded(t, every)
	if err != nil {
		t.Fatal(err)
	}
	fr := sddl.MustParse("D:(A;;FR;;;WD)")
	files := got.files
	if len(files) != 2 || !files["one"].Equal(sddl.MustParse("O:BAG:SYD:(A;;FA;;;BA)")) || !files["two"].Equal(fr) {
		t.Errorf("files %v", files)
	}
	if s := got.trees[1].Share; s == nil || !s.Equal(sddl.MustParse("D:(A;;FR;;;AU)")) {
		t.Errorf("share %v", s)
	}
	got.files, got.trees[1].Share = nil, nil
	want := &config{profile: nt.Observed, level: slog.LevelDebug,
		privileges: map[uint32]winnt.PrivilegeSet{7: winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeDebugPrivilege),
			8: winnt.Privileges(winnt.SeRestorePrivilege)},
		limits: daemon.Limits{Connections: 71, PerUser: 72, Threads: 73},
		trees: []treeConfig{{name: "a", Config: hostfs.Config{Path: "/srv/a", Attribute: "security.NTACL",
			Policy: fileaccess.Policy{Traverse: fileaccess.TraverseAlways}, HandOut: hostfs.HandOutReads}},
			{name: "b", groups: []uint32{77}, exposed: true, mount: "/mnt/b", hide: true, follow: true,
				Config: hostfs.Config{Path: "/srv/b/x", Attribute: "user.NTACL", Missing: hostfs.SynthesiseMissing,
					Policy:      fileaccess.Policy{Traverse: fileaccess.TraverseNever},
					IgnorePosix: true, CaseInsensitive: true, AccessBased: true, FileMode: 0o640, DirectoryMode: 0o751,
					HandOut: hostfs.HandOutWrites}}}}
	s := &want.settings
	s.State, s.Socket, s.AdminSocket, s.Computer, s.Root = "/st", "/so", "/ad", "COMPUTER", "carol"
	s.Profile, s.Administrators, s.StartAs, s.IDNumbers, s.Watch.Socket = "observed", []uint32{11, 12}, true, "/ids", "/wa"
	s.Privileges = map[uint32][]string{7: {"SeBackupPrivilege", "SeDebugPrivilege"}, 8: {"SeRestorePrivilege"}}
	s.Files = map[string]string{"one": "O:BAG:SYD:(A;;FA;;;BA)", "two": "D:(A;;FR;;;WD)"}
	s.Trees = map[string]treeSettings{"a": {Path: "/srv/a", Traverse: "always", Descriptors: "read"},
		"b": {Path: "/srv/b/./x/", Attribute: "user.NTACL", Share: "D:(A;;FR;;;AU)", Traverse: "never",
			Missing: "synthesise", IgnorePosix: true, CaseInsensitive: true, AccessBased: true, FileMode: "0640",
			DirectoryMode: "0751", Group: "77", Descriptors: "write", Exposed: true, Mount: "/mnt/b",
			HideUnreadable: true, FollowLinks: true}}
	s.Kerberos = tickets{Keytab: "/kt", Realm: "R.TEST", Services: []string{"HTTP/w"}, Domain: "S-1-5-21-1-2-3",
		Skew: 61, EncryptionTypes: []int32{18}, RequireBinding: true, Delegated: true}
	s.Directory = directory{Servers: []string{"ldaps://h:1"}, Security: "signed", CA: "/ca", Base: "DC=b", Name: "N",
		KDC: []string{"k:2"}, Account: "acc", Passwords: "kdc", Unqualified: true,
		Claims: map[string]string{"c": "attr:int64"}, Fresh: 62, Stale: 63, Groups: 64, Entries: 65, Attempts: 66,
		AttemptsPerAddress: 67}
	s.Limits.Connections, s.Limits.PerUser, s.Limits.Threads = 71, 72, 73
	s.Log.Level = "debug"
	for i := range reflect.TypeFor[settings]().NumField() {
		f := reflect.TypeFor[settings]().Field(i)
		a, b := reflect.ValueOf(got.settings).Field(i).Interface(), reflect.ValueOf(want.settings).Field(i).Interface()
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s is %+v, want %+v", f.Name, a, b)
		}
	}
	got.settings, want.settings = settings{}, settings{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestConfigurationChecked: each of these changes of a good configuration is refused, and the error says where; those
// at the bound are not.
func TestConfigurationChecked(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"adminSocket: /ad", "adminSocket: /so", "adminSocket be another"}, {"state: /st", "state: ''", "must be given"},
		{"socket: /wa", "socket: /so", "watch.socket"}, {"socket: /wa", "socket: /ad", "watch.socket"},
		{"socket: /wa", "socket: ''", ""}, {"adminSocket: /ad", "adminSocket: ''", ""},
		{"connections: 71", "connections: 0", "limits"}, {"perUser: 72", "perUser: 0", "limits"},
		{"threads: 73", "threads: 0", "limits"}, {"threads: 73", "threads: 1", ""}, {"connections: 71", "connections: 1", ""},
		{"[SeRestorePrivilege]", "[SeTcbPrivilege]", "privileges of 8: SeTcbPrivilege"},
		{"[SeRestorePrivilege]", "[SeCreateTokenPrivilege]", "refmond account right"},
		{"[SeRestorePrivilege]", "[SeAssignPrimaryTokenPrivilege]", "refmond account right"},
		{"keytab: /kt", "keytab: ''", "directory: passwords: kdc needs"}, {"realm: R.TEST", "realm: ''", "kerberos: realm"},
		{"S-1-5-21-1-2-3", "S-1-5-21-1-2", "kerberos: domain"}, {"S-1-5-21-1-2-3", "S-1-5-21-1-2-3-4", "kerberos: domain"},
		{"S-1-5-21-1-2-3", "", "directory: kerberos.realm and kerberos.domain"}, {"skew: 61", "skew: 0", "kerberos: skew"},
		{"skew: 61", "skew: 1", ""}, {"skew: 61", "skew: 3600", ""}, {"skew: 61", "skew: 3601", "kerberos: skew"},
		{"passwords: kdc", "passwords: yes", "directory: passwords"}, {"passwords: kdc", "passwords: ''", ""},
		{"passwords: kdc", "passwords: bind", "bind needs servers, and security: tls"},
		{"attempts: 66", "attempts: 0", "directory: attempts"}, {"attempts: 66", "attempts: 1", ""},
		{"attemptsPerAddress: 67", "attemptsPerAddress: 0", "directory: attempts"},
		{"security: signed", "security: none", "directory: security"}, {"security: signed", "security: tls", ""},
		{"account: acc", "account: ''", "directory: account"}, {"ldaps://h:1", "http://h", "directory"},
		{"account: acc", "account: acc\n  passwordFile: /p", "needs the keytab, not passwordFile"},
		{"fresh: 62", "fresh: -1", "no number below 0"}, {"fresh: 62", "fresh: 0", ""}, {"stale: 63", "stale: -1", "below 0"},
		{"stale: 63", "stale: 0", ""}, {"groups: 64", "groups: 0", "at least 1"}, {"groups: 64", "groups: 1", ""},
		{"entries: 65", "entries: 0", "at least 1"}, {"entries: 65", "entries: 1", ""},
		{"attr:int64", "attr:float", "directory: claims: c"},
		{"path: /srv/a", "path: /srv/b", "trees: b: its path"}, {"path: /srv/a", "path: /srv/b/x", "trees: b: its path"},
		{"path: /srv/a", "path: /srv/b/x/y", "trees: b: its path"}, {"path: /srv/a", "path: /srv/b/xy", ""},
		{"path: /srv/a", "path: /", "trees: b: its path"}, {"path: /srv/a", "path: srv/a", "trees: a: path"},
		{"mount: /mnt/b", "mount: mnt", "trees: b: mount"}, {"user.NTACL", "system.NTACL", "trees: b: attribute"},
		{"user.NTACL", "user.", "trees: b: attribute"}, {"user.NTACL", "trusted.x", ""},
		{"traverse: never", "traverse: often", "trees: b: traverse"}, {"traverse: never", "traverse: privilege", ""},
		{"missing: synthesise", "missing: invent", "trees: b: missing"}, {"missing: synthesise", "missing: refuse", ""},
		{"descriptors: write", "descriptors: all", "trees: b: descriptors"}, {"descriptors: write", "descriptors: none", ""},
		{"share: 'D:(A;;FR;;;AU)'", "share: 'X:'", "trees: b: share"},
		{"share: 'D:(A;;FR;;;AU)'", "share: ''", "accessBased"},
		{"'0640'", "'0778'", "trees: b: fileMode"}, {"'0640'", "'1000'", "trees: b: fileMode"}, {"'0640'", "'0777'", ""},
		{"'0751'", "'rwx'", "trees: b: directoryMode"}, {"'0751'", "'1777'", "trees: b: directoryMode"},
		{"group: '77'", "group: no-such-group-here", "trees: b: group"}, {"  b:\n", "  'b:c':\n", "trees: b:c: a name"},
		{"'O:BAG:SYD:(A;;FA;;;BA)'", "'O:XX'", "files: one"}, {"level: debug", "level: warn", ""},
	} {
		if strings.Count(every, c.old) != 1 && c.old != "path: /srv/a" {
			t.Fatalf("%q stands in the configuration %d times", c.old, strings.Count(every, c.old))
		}
		_, err := loaded(t, strings.Replace(every, c.old, c.new, 1))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q in place of %q: %v, want %q", c.new, c.old, err, c.want)
		}
	}
}
