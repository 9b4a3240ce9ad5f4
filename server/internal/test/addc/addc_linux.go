package addc

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/sid"
)

// needed lists the programs for a domain. It also needs root.
var needed = []string{"samba", "samba-tool", "ldbsearch", "kinit", "curl", "/usr/bin/python3"}

// packages are the Debian packages that contain them.
const packages = "samba-ad-dc samba-ad-provision samba-dsdb-modules python3-samba ldb-tools krb5-user winbind curl"

// makePy is the script that adds the accounts.
//
//go:embed make.py
var makePy []byte

// Names of the domain, which are the same for every test.
const (
	Realm  = "REFMON.TEST"
	Name   = "REFMON"
	userPW = "Passw0rd-user"
)

// Order configures a domain.
type Order struct {
	// Users maps each user's name to its number of groups, which are nested five deep.
	Users map[string]int
	// Numbered is the number of accounts n0, n1 … whose uidNumber counts up from FirstID.
	Numbered int
	// Files also starts the controller's file server, which domain members need.
	Files bool
	// Share is a folder that the file server shares as projects; "": none. It needs Files. Only the descriptors of its
	// files decide there.
	Share string
	// Service is the principal of a service, such as HTTP/www.refmon.test.
	Service string
	// Changes is LDIF that is applied before the directory starts. BASE stands for the domain's DN
	// and SID for its SID.
	Changes string
	// TLS makes the server accept ldaps:// and StartTLS, with a certificate of its own authority, Domain.CA.
	TLS bool
}

// Domain is a domain controller that runs until the test ends.
type Domain struct {
	Dir     string // the folder of its state and of temporary files
	Address string // its loopback address
	SID     sid.SID
	Keytab  string // of the service
	CA      string // a file with the authority of the server's certificate; "" without TLS

	t     testing.TB
	files bool
	pid   int // process group of the controller
}

// Host is the name of the controller.
const Host = "dc1.refmon.test"

// Base is the DN of the domain.
const Base = "DC=refmon,DC=test"

// Password is the password of each user.
const Password = userPW

// FirstID is the uidNumber of the first numbered account; Domain Users has the gidNumber FirstID + 999. The
// attribute is a signed 32-bit number, and idmap_ad ignores negative ones.
const FirstID = 2_000_310_000

// Skip skips the test with the reason why there is no domain. With REFMON_SAMBA=required it fails the test.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("REFMON_SAMBA") == "required" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Start creates a domain and waits until its KDC accepts connections. It ends with the test. Start skips the test if
// a program is missing, the user is not root or a port is taken, with -short, and without REFMON_DEEP=1 or
// REFMON_SAMBA=required.
func Start(t testing.TB, o Order) *Domain {
	t.Helper()
	smbd.SkipUnlessDeep(t)
	for _, p := range needed {
		if _, err := exec.LookPath(p); err != nil {
			Skip(t, "no %s here: install the packages %s", p, packages)
		}
	}
	if os.Getuid() != 0 {
		Skip(t, "not root: a domain controller has ports below 1024")
	}
	address, err := smbd.FreeAddress(rand.Uint32, 96, "88", "389")
	if err != nil {
		Skip(t, "no loopback address with free ports 88 and 389, perhaps because of a server on all addresses: %v", err)
	}
	d := &Domain{Dir: t.TempDir(), t: t, files: o.Files, Address: address}
	d.provision()
	d.share(o.Share)
	d.accounts(o)
	d.change(o.Changes)
	d.serve(o.TLS)
	return d
}

// must ends the test if err is not nil.
func (d *Domain) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// path returns the path of a file in the domain's own folder.
func (d *Domain) path(parts ...string) string {
	return filepath.Join(append([]string{d.Dir}, parts...)...)
}

// services returns the list of Samba services that this controller runs, for its configuration.
func (d *Domain) services() string {
	if d.files {
		return "s3fs,ldap,kdc,rpc,winbindd,cldap"
	}
	return "ldap,kdc,rpc,winbindd,cldap"
}

// run runs a program with the Kerberos configuration of the domain and returns its output, standard error last. A
// failure ends the test.
func (d *Domain) run(in []byte, name string, args ...string) []byte {
	d.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+d.path("krb5.conf"))
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		d.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, problems.Bytes(), out.Bytes())
	}
	return append(out.Bytes(), problems.Bytes()...)
}

var domainSID = regexp.MustCompile(`DOMAIN SID: +(S-1-5-21-[0-9-]+)`)

// written are the options of the provisioned domain that each controller sets itself.
var written = regexp.MustCompile(`(?m)^\s*(server services|vfs objects|ldb:nosync) = .*\n`)

// provision copies the domain that one process of the run provisions, and adds this controller's options.
func (d *Domain) provision() {
	d.t.Helper()
	source := programs.Once(d.t, "domain", func(to string) (string, error) {
		out, err := exec.Command("samba-tool", "domain", "provision", "--configfile=/dev/null", "--targetdir="+to,
			"--realm="+Realm, "--domain="+Name, "--server-role=dc", "--host-name=dc1", "--host-ip=127.0.0.1",
			"--adminpass=Passw0rd-admin", "--dns-backend=NONE", "--use-rfc2307", "--option=vfs objects=acl_xattr dfs_samba4",
			"--option=ldb:nosync=true").CombinedOutput()
		if err != nil {
			return string(out), err
		}
		config := filepath.Join(to, "etc", "smb.conf")
		text, err := os.ReadFile(config)
		if err != nil {
			return "", err
		}
		return "", errors.Join(os.WriteFile(filepath.Join(to, "printed"), out, 0o600),
			os.WriteFile(config, bytes.ReplaceAll(text, []byte(to), []byte("@FOLDER@")), 0o600))
	})
	d.run(nil, "cp", "-a", source+"/.", d.Dir)
	options := "interfaces = " + d.Address + "/8\nbind interfaces only = yes\nserver services = " + d.services() +
		// The domain ends with its test, so a logon need not wait until its time is on disk.
		"\nvfs objects = acl_xattr dfs_samba4\nldb:nosync = true\n"
	// Controllers of tests that run at the same time must share no file.
	own := []string{"pid directory", "ncalrpc dir", "winbindd socket directory", "ntp signd socket directory"}
	if d.files {
		own = slices.Delete(own, 2, 3) // the file server looks for winbindd in the built-in folder
	}
	for _, option := range own {
		dir := d.path("run", strings.ReplaceAll(option, " ", "-"))
		d.must(os.MkdirAll(dir, 0o755))
		options += option + " = " + dir + "\n"
	}
	config, err := os.ReadFile(d.path("etc", "smb.conf"))
	d.must(err)
	text := written.ReplaceAllString(strings.ReplaceAll(string(config), "@FOLDER@", d.Dir), "")
	text = strings.Replace(text, "[global]\n", "[global]\n"+options, 1)
	d.must(os.WriteFile(d.path("etc", "smb.conf"), []byte(text), 0o600))
	out, err := os.ReadFile(d.path("printed"))
	d.must(err)
	m := domainSID.FindSubmatch(out)
	if m == nil {
		d.t.Fatalf("the provision names no domain:\n%s", out)
	}
	d.SID = sid.MustParse(string(m[1]))
	d.must(os.WriteFile(d.path("krb5.conf"), []byte("[libdefaults]\n default_realm = "+Realm+`
 rdns = false
 dns_canonicalize_hostname = false
 dns_lookup_kdc = false
 dns_lookup_realm = false
[realms]
 `+Realm+" = {\n  kdc = "+d.Address+"\n }\n[domain_realm]\n .refmon.test = "+Realm+"\n"), 0o600))
}

// share adds a share to the configuration, "" for none.
func (d *Domain) share(folder string) {
	d.t.Helper()
	if folder == "" {
		return
	}
	f, err := os.OpenFile(d.path("etc", "smb.conf"), os.O_APPEND|os.O_WRONLY, 0)
	d.must(err)
	_, err = fmt.Fprintf(f, "\n[projects]\n path = %s\n read only = no\n acl_xattr:ignore system acls = yes\n", folder)
	d.must(err)
	d.must(f.Close())
}

// accounts creates the users and the service of the order in the domain, and exports the service's keytab. A failure
// ends the test.
func (d *Domain) accounts(o Order) {
	d.t.Helper()
	order, err := json.Marshal(map[string]any{"users": o.Users, "password": userPW, "numbered": o.Numbered,
		"firstID": FirstID,
		"service": map[string]any{"name": "websvc", "principals": []string{o.Service}}})
	d.must(err)
	script := d.path("make.py")
	d.must(os.WriteFile(script, makePy, 0o600))
	d.run(order, "/usr/bin/python3", script, d.Dir)
	d.Keytab = d.path("service.keytab")
	d.run(nil, "samba-tool", "domain", "exportkeytab", d.Keytab, "--principal="+o.Service,
		"--configfile="+d.path("etc", "smb.conf"))
}

// change applies LDIF to the directory's own files, because its server would reject some changes.
func (d *Domain) change(ldif string) {
	d.t.Helper()
	// The tests connect to the controller by its address, and by its name.
	ldif += "\n\ndn: CN=DC1,OU=Domain Controllers,BASE\nchangetype: modify\nadd: servicePrincipalName\n" +
		"servicePrincipalName: ldap/" + d.Address + "\nservicePrincipalName: ldap/" + Host + "\n"
	d.Modify(ldif)
}

// Login gets a ticket for a user and returns the environment for programs that use it.
func (d *Domain) Login(user string) []string {
	d.t.Helper()
	cache := "FILE:" + d.path("cache-"+user)
	d.run([]byte(userPW+"\n"), "kinit", "-c", cache, user+"@"+Realm)
	return append(os.Environ(), "KRB5_CONFIG="+d.path("krb5.conf"), "KRB5CCNAME="+cache)
}

// TokenGroups returns the groups of a user as the directory itself computes them, including those of BUILTIN. A user
// without groups ends the test.
func (d *Domain) TokenGroups(user string) (groups []sid.SID) {
	d.t.Helper()
	out := d.run(nil, "ldbsearch", "-H", d.path("private", "sam.ldb"), "-s", "base", "-b",
		"CN="+user+",CN=Users,DC=refmon,DC=test", "tokenGroups")
	for _, m := range regexp.MustCompile(`(?m)^tokenGroups: (S-[0-9-]+)$`).FindAllSubmatch(out, -1) {
		groups = append(groups, sid.MustParse(string(m[1])))
	}
	if len(groups) == 0 {
		d.t.Fatalf("the directory tells no groups of %s:\n%s", user, out)
	}
	return groups
}

// UserSID returns the SID of an account. An unknown name ends the test.
func (d *Domain) UserSID(user string) sid.SID {
	d.t.Helper()
	out := d.run(nil, "ldbsearch", "-H", d.path("private", "sam.ldb"), "sAMAccountName="+user, "objectSid")
	m := regexp.MustCompile(`(?m)^objectSid: (S-[0-9-]+)$`).FindSubmatch(out)
	if m == nil {
		d.t.Fatalf("the directory does not know %s:\n%s", user, out)
	}
	return sid.MustParse(string(m[1]))
}
