package addc

import (
	"os"
	"os/exec"
	"regexp"

	"github.com/refmon/refmon/sid"
)

// sessionGroup is a line of the directory's answer about its client's own token.
var sessionGroup = regexp.MustCompile(`(?m)^tokenGroups: (S-[0-9-]+)$`)

// SessionGroups returns the SIDs of the token that the controller makes for an LDAP connection of a user, with Kerberos
// or with NTLM. The controller's name is in /etc/hosts of the client alone, because Samba's client asks for no ticket
// for an address. A failed bind ends the test.
func (d *Domain) SessionGroups(user string, kerberos bool) (groups []sid.SID) {
	d.t.Helper()
	hosts, env := d.path("hosts"), append(os.Environ(), "KRB5_CONFIG="+d.path("krb5.conf"))
	d.must(os.WriteFile(hosts, []byte(d.Address+" "+Host+"\n"), 0o644))
	args := []string{"-m", "sh", "-c", "mount --make-rprivate / && mount --bind '" + hosts + `' /etc/hosts && exec "$@"`,
		"sh", "ldbsearch", "-H", "ldap://" + Host, "-s", "base", "-b", "", "--configfile=" + d.path("etc", "smb.conf"),
		"tokenGroups"}
	if kerberos {
		env = d.Login(user)
		args = append(args, "--use-kerberos=required", "--use-krb5-ccache=FILE:"+d.path("cache-"+user))
	} else {
		args = append(args, "--use-kerberos=off", "-U", Name+`\`+user+"%"+userPW)
	}
	cmd := exec.Command("unshare", args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	for _, m := range sessionGroup.FindAllSubmatch(out, -1) {
		groups = append(groups, sid.MustParse(string(m[1])))
	}
	if err != nil || len(groups) == 0 {
		d.t.Fatalf("the token of %s's session: %v\n%s", user, err, out)
	}
	return groups
}
