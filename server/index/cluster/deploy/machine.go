package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/systemd"
)

// files has the contents of the files of a folder, by name.
type files map[string][]byte

// setting is a key of a configuration file. The key is a flag of the command. config omits an empty string, nil and
// false.
type setting struct {
	key   string
	value any
}

// config formats the configuration file of a role's command: a comment line, then one line for each setting. It omits
// settings that are an empty string, nil or false.
func config(role string, list []setting) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The flags of refmon-index %s. Written by refmon-index site: change the site file instead.\n", role)
	for _, s := range list {
		text, err := json.Marshal(s.value)
		if err != nil || string(text) == `""` || string(text) == "null" || string(text) == "false" {
			continue // empty; Marshal returns no error for strings, lists and booleans
		}
		fmt.Fprintf(&b, "%s: %s\n", s.key, text)
	}
	return b.Bytes()
}

// settings returns the flags of a command on a machine, which f must have. Empty values are included; config omits
// them. An unknown role gets only the site's folder.
func (f *File) settings(name, role string) []setting {
	m := f.Machines[name]
	out := []setting{{"site", m.Folder}}
	state := path.Join(m.State, role)
	switch role {
	case broker:
		out = append(out, setting{"name", name}, setting{"listen", f.at(name, f.Port)}, setting{"store", state})
		var others []string
		for _, n := range f.running(broker) {
			if n != name {
				others = append(others, f.at(n, f.ClusterPort))
			}
		}
		if others != nil {
			out = append(out, setting{"cluster", f.at(name, f.ClusterPort)}, setting{"route", others})
		}
	case watch:
		out = append(out, setting{"host", name}, setting{"watch", m.Watch}, setting{"no-events", m.NoEvents},
			setting{"every", m.Every})
	case directory:
		out = append(out, setting{"directory", f.Directory})
		if l := f.LDAP; l != nil {
			out = append(out, setting{"ldap-server", l.Server}, setting{"ldap-domain", l.Domain},
				setting{"ldap-account", l.Account}, setting{"ldap-password-file", l.PasswordFile}, setting{"ldap-ca", l.CA},
				setting{"ldap-base", l.Base})
		}
	case work:
		out = append(out, setting{"name", name})
	case follow:
		database := m.Postgres
		if database == "" {
			database = f.Postgres
		}
		out = append(out, setting{"name", name}, setting{"state", state}, setting{"postgres", database},
			setting{"bulk", m.Bulk})
	}
	return out
}

// unit returns the systemd unit that runs a role's command on machine m, with the paths of a package and the folders of
// the machine, that of Bulk included. It fails only for a role without a unit.
func unit(m *Machine, role string) ([]byte, error) {
	b, err := systemd.IndexUnit(role)
	if err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(string(b), "/usr/local/bin/", "/usr/bin/")
	text = strings.ReplaceAll(text, defaultFolder+"/", m.Folder+"/")
	if m.State != defaultState {
		text = strings.ReplaceAll(text, "StateDirectory=refmon-index/"+role+"\nStateDirectoryMode=0700\n",
			"ReadWritePaths="+m.State+"\n")
	}
	if role == follow && m.Bulk != "" { // otherwise the unit could write only to its state folder
		text = strings.Replace(text, "[Service]\n", "[Service]\nReadWritePaths="+path.Dir(m.Bulk)+"\n", 1)
	}
	return []byte(text), nil
}

// installerName is the script that installs a machine's files.
const installerName = "install.sh"

// unitName returns the name of the systemd unit that runs a role's command.
func unitName(role string) string { return "refmon-index-" + role + ".service" }

// machine returns the files to copy to a machine. k has the site and its secrets, and old the machine's files of an
// earlier run. The certificate in old is kept if the authority issued it for the machine's address, it is valid for
// another year and its key is in old. Otherwise the machine gets a new certificate.
func (f *File) machine(name string, k *keys, old files) (files, error) {
	m := f.Machines[name]
	out := files{site.SiteName: k.text, installerName: f.installer(name)}
	seed := func(r site.Role) { out[site.SeedName(r)] = []byte(k.seeds[r] + "\n") }
	for _, role := range roles {
		if !m.runs(role) {
			continue
		}
		out[role+".yaml"] = config(role, f.settings(name, role))
		var err error
		if out[unitName(role)], err = unit(m, role); err != nil {
			return nil, err
		}
		switch role {
		case broker:
			seed(site.Keeper)
			out[site.ServerName], out[site.ServerKeyName] = old[site.ServerName], old[site.ServerKeyName]
			if !k.authority.Holds(old[site.ServerName], old[site.ServerKeyName], m.Address) {
				if out[site.ServerName], out[site.ServerKeyName], err = k.authority.Issue(m.Address); err != nil {
					return nil, err
				}
			}
		case keep:
			seed(site.Keeper)
		case watch:
			seed(site.Watch(name))
		case directory, work, follow:
			seed(site.Role(role))
		}
	}
	if len(f.NATS) > 0 {
		out[site.AccountName] = k.site.Accounts()
	}
	if k.authority.Certificate != nil {
		out[site.AuthorityName] = k.authority.Certificate
	}
	return out, nil
}

// installer returns a script that root runs on the machine after each copy of the files. The script lets the service's
// user read the files, but not change them. The script restarts the machine's programs. Programs that the machine no
// longer runs are stopped and disabled, and their files removed. Without /usr/bin/refmon-index, and in a folder that
// other programs use, the script changes nothing and ends with an error.
func (f *File) installer(name string) []byte {
	m := f.Machines[name]
	var units, others, stale []string
	for _, r := range roles {
		if m.runs(r) {
			units = append(units, unitName(r))
			continue
		}
		others = append(others, unitName(r))
		stale = append(stale, r+".yaml", unitName(r))
		switch r {
		case broker:
			stale = append(stale, site.ServerName, site.ServerKeyName)
		case watch:
			stale = append(stale, site.SeedName(site.Watch(name)))
		case directory, work, follow:
			stale = append(stale, site.SeedName(site.Role(r)))
		}
	}
	if !m.runs(broker) && !m.runs(keep) {
		stale = append(stale, site.SeedName(site.Keeper))
	}
	missing := `	[ -e "/usr/lib/systemd/system/$u" ] || `
	state, shared := "", ""
	if m.Folder != defaultFolder || m.State != defaultState || m.Bulk != "" { // the package's units do not fit
		missing = "	"
		state = fmt.Sprintf("install -d -m 700 -o refmon-index -g refmon-index %s\n", m.State)
		// The files of another program must keep their owner. A new disk has no files of a program (N-144).
		shared = fmt.Sprintf(`if [ -n "$(ls -A %[1]s 2>/dev/null | grep -vx lost+found)" ] &&
	[ "$(stat -L -c %%U %[1]s)" != refmon-index ]; then
	echo "%[1]s has files of another user: choose another folder as state" >&2
	exit 1
fi
`, m.State)
	}
	return fmt.Appendf(nil, `#!/bin/sh
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
%sfor u in %s; do
%sinstall -m 644 "$u" /etc/systemd/system/
done
systemctl daemon-reload
systemctl enable %[7]s
systemctl restart %[7]s
`, name, m.Folder, shared, strings.Join(others, " "), strings.Join(stale, " "), state, strings.Join(units, " "),
		missing)
}
