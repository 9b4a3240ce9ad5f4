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

// unitMark is the first line of each unit. The script of a machine removes only units with it.
const unitMark = "# Written by refmon-index site: change the site file instead."

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
	return []byte(unitMark + "\n" + text), nil
}

// unitName returns the name of the systemd unit that runs a role's command.
func unitName(role string) string { return "refmon-index-" + role + ".service" }

// machine returns the files to copy to a machine. k has the site and its secrets, and old the machine's files of an
// earlier run. The certificate in old is kept if the authority issued it for the machine's address, it is valid for
// another year and its key is in old. Otherwise the machine gets a new certificate.
func (f *File) machine(name string, k *keys, old files) (files, error) {
	m := f.Machines[name]
	out := files{site.SiteName: k.text}
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
	out[installerName] = nil // one of the files that it installs
	out[installerName] = f.installer(name, out)
	return out, nil
}
