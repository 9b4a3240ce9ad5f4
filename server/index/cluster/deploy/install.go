package deploy

import (
	"fmt"
	"path"
	"strings"

	"github.com/refmon/refmon/server/index/cluster/site"
)

// installerName is the script that installs a machine's files.
const installerName = "install.sh"

// fileNames returns the names of all files that a machine can have, with any runs and any NATS servers.
func fileNames(machine string) []string {
	out := []string{installerName, site.SiteName, site.AuthorityName, site.AccountName, site.ServerName,
		site.ServerKeyName}
	for _, r := range roles {
		out = append(out, r+".yaml", unitName(r))
	}
	for _, r := range []site.Role{site.Keeper, site.Watch(machine), site.Directory, site.Work, site.Follow} {
		out = append(out, site.SeedName(r))
	}
	return out
}

// script is the text of the installer. Its arguments are the machine, its folder, the test of its state folder, the
// units of other roles, the files to remove, the command that protects the password of LDAP, the command that creates
// the state folder, the units, and the command that installs one.
const script = `#!/bin/sh
# Installs the files of this folder on %s and starts its programs. Run it as root, after each change again.
set -eu
cd %s
[ -x /usr/bin/refmon-index ] || {
	echo "/usr/bin/refmon-index is missing, which the units run: install the package refmond or copy the program there" >&2
	exit 1
}
for f in .[!.]* *; do
	[ ! -d "$f" ] || { echo "$PWD has the folder $f: choose a folder for these files only" >&2; exit 1; }
done
%sgetent passwd refmon-index >/dev/null || useradd --system --user-group --no-create-home \
	--home-dir /var/lib/refmon-index --shell /usr/sbin/nologin refmon-index
for u in %s; do
	! systemctl is-enabled --quiet "$u" 2>/dev/null || systemctl disable --now "$u"
done
rm -f %s
chown root:refmon-index . *
chmod 750 .
chmod 640 *
%s%sfor u in %[8]s; do
%[9]sdone
systemctl daemon-reload
systemctl enable %[8]s
systemctl restart %[8]s
`

// installer returns a script that root runs on the machine after each copy of the files. The script lets the service's
// user read the files, but not change them. The script restarts the machine's programs. Programs that the machine no
// longer runs are stopped and disabled, and files of an earlier run that are not in own are removed. Without
// /usr/bin/refmon-index, and in a folder that other programs use, the script changes nothing and ends with an error.
func (f *File) installer(name string, own files) []byte {
	m := f.Machines[name]
	var units, others, stale []string
	for _, r := range roles {
		if m.runs(r) {
			units = append(units, unitName(r))
		} else {
			others = append(others, unitName(r))
		}
	}
	for _, n := range fileNames(name) {
		if _, has := own[n]; !has {
			stale = append(stale, n)
		}
	}
	where := name
	if m.Address != name { // so that another address changes the script, and site prints the command
		where += " (" + m.Address + ")"
	}
	test, create := m.stateCommands()
	words := func(list []string) string { return strings.Join(list, " ") }
	return fmt.Appendf(nil, script, where, m.Folder, test, words(others), words(stale), f.secretCommand(m), create,
		words(units), m.unitCommand())
}

// secretCommand returns the command that gives the password file of LDAP to the service's user alone: refmon-index
// requires that. It returns "" unless the file is in the folder of a machine that runs directory.
func (f *File) secretCommand(m *Machine) string {
	if f.LDAP == nil || !m.runs(directory) || path.Dir(f.LDAP.PasswordFile) != m.Folder {
		return ""
	}
	at := quote(f.LDAP.PasswordFile)
	return fmt.Sprintf("[ ! -e %[1]s ] || { chown refmon-index %[1]s && chmod 600 %[1]s; }\n", at)
}

// stateCommands returns the commands that test whether the state folder belongs to another program, and that create it.
// Both are "" for the default folder, which systemd creates in a folder of root's.
func (m *Machine) stateCommands() (test, create string) {
	if m.State == defaultState {
		return "", ""
	}
	// The files of another program must keep their owner. A new disk has no files of a program (N-144).
	test = fmt.Sprintf(`if [ -n "$(ls -A %[1]s 2>/dev/null | grep -vx lost+found)" ] &&
	[ "$(stat -L -c %%U %[1]s)" != refmon-index ]; then
	echo "%[1]s has files of another user: choose another folder as state" >&2
	exit 1
fi
`, m.State)
	return test, fmt.Sprintf("install -d -m 700 -o refmon-index -g refmon-index %s\n", m.State)
}

// unitCommand returns the command that installs the unit $u unless that of the package fits. It removes one that an
// earlier script installed, because that would override the package's. A unit that an administrator made stays. If the
// unit gets another place, the command first disables it, because its links lead to the earlier place.
func (m *Machine) unitCommand() string {
	if m.Folder != defaultFolder || m.State != defaultState || m.Bulk != "" {
		return `	[ -e "/etc/systemd/system/$u" ] || systemctl disable --quiet "$u" 2>/dev/null || :
	install -m 644 "$u" /etc/systemd/system/
`
	}
	return fmt.Sprintf(`	if [ ! -e "/usr/lib/systemd/system/$u" ]; then
		install -m 644 "$u" /etc/systemd/system/
	elif grep -qsx '%s' "/etc/systemd/system/$u"; then
		systemctl disable --quiet "$u"
		rm "/etc/systemd/system/$u"
	fi
`, unitMark)
}
