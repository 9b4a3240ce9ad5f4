package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/sid"
)

// File is a site file. Its fields are its keys; docs/search.md explains them. [Read] sets the default of a key that
// the file omits.
type File struct {
	Rights      string              `json:"rights"`      // default: read
	Share       string              `json:"share"`       // SDDL; "": none
	Traverse    index.Traverse      `json:"traverse"`    // default: host
	Parts       int                 `json:"parts"`       // default: 4; 0 is an error
	Replicas    int                 `json:"replicas"`    // 0: 3 with three or more NATS servers, else 1
	Port        int                 `json:"port"`        // port of NATS servers for clients; default: 4222; 0 is an error
	ClusterPort int                 `json:"clusterPort"` // port between NATS servers; default: 6222; 0 is an error
	NATS        []string            `json:"nats"`        // URLs of existing servers, instead of machines with broker
	NATSCA      string              `json:"natsCA"`      // file with the CA of these servers; "": the host's CAs
	Directory   string              `json:"directory"`   // the directory file; or LDAP
	LDAP        *LDAP               `json:"ldap"`
	Postgres    string              `json:"postgres"` // database of machines that run follow and name none
	Machines    map[string]*Machine `json:"machines"`
}

// LDAP selects an LDAP directory, as the flags --ldap-… of the command directory do.
type LDAP struct {
	Server       []string `json:"server"`
	Domain       string   `json:"domain"`
	Account      string   `json:"account"`
	PasswordFile string   `json:"passwordFile"`
	CA           string   `json:"ca"`
	Base         string   `json:"base"`
}

// Machine is one machine of a site.
type Machine struct {
	Address  string   `json:"address"`  // "": the machine's name
	Runs     []string `json:"runs"`     // commands of refmon-index
	Trees    []string `json:"trees"`    // for watch
	Watch    string   `json:"watch"`    // for watch: a watch socket of refmond
	NoEvents bool     `json:"noEvents"` // for watch
	Every    string   `json:"every"`    // for watch
	Postgres string   `json:"postgres"` // for follow
	Bulk     string   `json:"bulk"`     // for follow
	Folder   string   `json:"folder"`   // "": /etc/refmon-index
	State    string   `json:"state"`    // "": /var/lib/refmon-index
}

// The commands that a machine may run.
const (
	broker    = "broker"
	keep      = "keep"
	watch     = "watch"
	directory = "directory"
	work      = "work"
	follow    = "follow"
)

// roles has the commands in the order in which a site starts them.
var roles = []string{broker, keep, watch, directory, work, follow}

// Defaults of a machine.
const (
	defaultFolder = "/etc/refmon-index"
	defaultState  = "/var/lib/refmon-index"
)

// keysFolder is the subfolder with the secrets of the whole site.
const keysFolder = "keys"

// Read parses and validates a site file and sets its defaults. Unknown and repeated keys are errors with their line
// (N-123). It also returns an error for a site that cannot work: for example no worker, or two machines that run
// directory. With an error, do not use the file. Read opens no other file.
func Read(text []byte) (*File, error) {
	b, marks, err := strictyaml.JSON(text)
	if err != nil {
		return nil, err
	}
	f := &File{Rights: "read", Traverse: index.TraverseHost, Parts: 4, Port: 4222, ClusterPort: 6222}
	if err := strict.Locate(b, marks, strict.Unmarshal(b, f)); err != nil { // for example an unknown key (N-123)
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(f.Machines)) {
		if err := f.Machines[name].check(name); err != nil {
			return nil, fmt.Errorf("machine %s: %w", name, err)
		}
	}
	return f, f.check()
}

var (
	machineName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	addressForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.:-]*$`)
	pathForm    = regexp.MustCompile(`^/[A-Za-z0-9._/-]+$`)

	// sharedFolder matches folders of the system, and those that have a folder for each of several programs or users.
	sharedFolder = regexp.MustCompile(`^/([^/]+|(home|var)/[^/]+|(bin|boot|dev|lib[^/]*|proc|run|sbin|sys|usr)/.+)$`)
)

// check validates one machine of a site file and sets the defaults of empty keys. The default address is the machine's
// name. check returns an error for the first invalid key. A nil machine, a machine without commands, a repeated role,
// a key without its role, and bulk in the root folder are errors.
func (m *Machine) check(name string) error {
	if m == nil || len(m.Runs) == 0 {
		return errors.New("runs: want a list of commands, such as [work]")
	}
	if !machineName.MatchString(name) || name == keysFolder {
		return fmt.Errorf("the name must have letters a-z, digits and - only, and not be %s", keysFolder)
	}
	for i, r := range m.Runs {
		if !slices.Contains(roles, r) || slices.Contains(m.Runs[:i], r) {
			return fmt.Errorf("runs: %q: want each of %v at most once", r, roles)
		}
	}
	if m.Address == "" {
		m.Address = name
	}
	if m.Folder == "" {
		m.Folder = defaultFolder
	}
	if m.State == "" {
		m.State = defaultState
	}
	_, err := netip.ParseAddr(m.Address)
	if !addressForm.MatchString(m.Address) || err != nil && strings.Contains(m.Address, ":") {
		return fmt.Errorf("address: %q is not a host name or IP address", m.Address)
	}
	if err := m.checkPaths(); err != nil {
		return err
	}
	if d, err := time.ParseDuration(cmp.Or(m.Every, "1h")); err != nil || d != 0 && d < index.LeastEvery {
		return fmt.Errorf("every: %q: want 0, or a time of at least %v with its unit, such as 30s or 10m", m.Every,
			index.LeastEvery)
	}
	watches := len(m.Trees) > 0 || m.Watch != "" || m.NoEvents || m.Every != ""
	follows := m.Postgres != "" || m.Bulk != ""
	switch {
	case m.runs(watch) && len(m.Trees) == 0:
		return errors.New("trees: missing, because it runs watch")
	case !m.runs(watch) && watches:
		return errors.New("trees, watch, noEvents, every: only with watch in runs")
	case !m.runs(follow) && follows:
		return errors.New("postgres, bulk: only with follow in runs")
	case m.State == defaultState && path.Dir(m.Bulk) == defaultState:
		return fmt.Errorf("bulk: %q: systemd creates this folder for root: want another, such as /srv/bulk", m.Bulk)
	case path.Dir(m.Bulk) == "/": // follow's unit opens this folder for writing
		return fmt.Errorf("bulk: %q is in the root folder: want a folder of its own, such as /srv/bulk%s", m.Bulk, m.Bulk)
	}
	return nil
}

// checkPaths returns an error for paths that install.sh or the machine's units could not use. The defaults must be set.
func (m *Machine) checkPaths() error {
	for _, at := range []string{m.Folder, m.State, cmp.Or(m.Bulk, "/bulk")} { // unquoted in units and shell commands
		if !pathForm.MatchString(at) || path.Clean(at) != at {
			return fmt.Errorf("folder, state, bulk: %q: want an absolute path of letters, digits and . _ -", at)
		}
	}
	for _, at := range []string{m.Folder, m.State} { // install.sh changes their owner and mode (N-144)
		if sharedFolder.MatchString(at) {
			return fmt.Errorf("folder, state: %q belongs to the system: want a folder of its own, such as /srv/refmon-index", at)
		}
	}
	// The script rejects a folder with a subfolder, and a state folder with files of root (N-144).
	if tree.Contains(m.Folder, m.State) || tree.Contains(m.State, m.Folder) {
		return fmt.Errorf("folder, state: %q and %q: want two folders, and none in the other", m.Folder, m.State)
	}
	return nil
}

// runs reports whether the machine runs the command of a role, such as "work".
func (m *Machine) runs(role string) bool { return slices.Contains(m.Runs, role) }

// check returns an error if the machines do not form a complete site. check changes nothing, and does not repeat the
// checks of each machine.
//
//   - watch, directory, work and follow must each run somewhere, directory only once.
//   - A site needs either directory or ldap.
//   - A site needs either broker machines or nats.
//   - Two machines have two addresses, and port and clusterPort differ.
func (f *File) check() error {
	count := map[string]int{}
	for _, m := range f.Machines {
		for _, r := range m.Runs {
			count[r]++
		}
	}
	for _, r := range []string{watch, directory, work, follow} {
		if count[r] == 0 {
			return fmt.Errorf("machines: none runs %s", r)
		}
	}
	switch {
	case count[directory] > 1:
		return errors.New("machines: only one machine may run the directory role (runs: [directory])")
	case (f.Directory == "") == (f.LDAP == nil):
		return errors.New("want either directory or ldap")
	case slices.ContainsFunc(f.peopleFiles(), func(at string) bool { return !path.IsAbs(at) }):
		return fmt.Errorf("directory, ldap.passwordFile, ldap.ca: %q: want absolute paths of the machine that runs "+
			"directory", f.peopleFiles())
	case slices.ContainsFunc(f.peopleFiles(), f.replaces):
		return fmt.Errorf("directory, ldap.passwordFile, ldap.ca: %q: install.sh replaces or removes such a file in the "+
			"folder of the machine: give it another name", f.peopleFiles())
	case f.Parts == 0:
		return errors.New("parts: 0: want 1 to 256, or omit the key")
	case (count[broker] == 0) == (len(f.NATS) == 0):
		return errors.New("want either machines that run broker, or nats with the URLs of existing NATS servers")
	case (count[keep] == 0) != (len(f.NATS) == 0):
		return errors.New("keep: with existing NATS servers some machine must run it; with broker none may")
	case count[broker] > 0 && f.Replicas > count[broker]: // each replica is on another server
		return fmt.Errorf("replicas: %d: want at most %d, the number of machines that run broker", f.Replicas, count[broker])
	case f.NATSCA != "" && len(f.NATS) == 0:
		return errors.New("natsCA: only with nats")
	case min(f.Port, f.ClusterPort) < 1 || max(f.Port, f.ClusterPort) > 65535:
		return errors.New("port, clusterPort: want 1 to 65535")
	case f.Port == f.ClusterPort:
		return fmt.Errorf("port, clusterPort: both are %d: want two ports", f.Port)
	}
	names := map[string]string{} // by address
	for _, name := range slices.Sorted(maps.Keys(f.Machines)) {
		at := strings.ToLower(f.Machines[name].Address)
		if other, ok := names[at]; ok { // each installer would stop the other's programs (N-123)
			return fmt.Errorf("machines %s, %s: both have the address %s: list all its runs in one machine", other, name, at)
		}
		names[at] = name
	}
	if err := f.LDAP.check(); err != nil {
		return err
	}
	_, _, err := site.New(f.site())
	return err
}

// check returns an error if a key is missing without which the command directory ends with an error, and for a
// malformed SID. nil is valid.
func (l *LDAP) check() error {
	if l == nil {
		return nil
	}
	_, err := sid.Parse(l.Domain)
	switch {
	case len(l.Server) == 0:
		return errors.New("ldap.server: missing, want a list of URLs")
	case err != nil:
		return fmt.Errorf("ldap.domain: %q: want the domain's SID, such as S-1-5-21-1-2-3", l.Domain)
	case l.Account == "":
		return errors.New("ldap.account: missing, want name@realm or a DN")
	case l.PasswordFile == "":
		return errors.New("ldap.passwordFile: missing, want the file with the account's password")
	}
	return nil
}

// peopleFiles returns the files that the command directory reads, as the site file names them.
func (f *File) peopleFiles() []string {
	list := []string{f.Directory}
	if f.LDAP != nil {
		list = append(list, f.LDAP.PasswordFile, f.LDAP.CA)
	}
	return slices.DeleteFunc(list, func(at string) bool { return at == "" })
}

// replaces reports whether a file has the name of one that install.sh manages on the machine that runs directory.
func (f *File) replaces(file string) bool {
	for _, name := range f.running(directory) {
		if path.Dir(file) == f.Machines[name].Folder && slices.Contains(fileNames(name), path.Base(file)) {
			return true
		}
	}
	return false
}

// running returns the names of the machines that run a command, sorted; nil if there are none.
func (f *File) running(role string) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(f.Machines)) {
		if f.Machines[name].runs(role) {
			out = append(out, name)
		}
	}
	return out
}

// site returns the configuration that f describes, without keys. Zero replicas become 3 if there are at least three
// servers. It does not validate the result.
func (f *File) site() site.Site {
	s := site.Site{Rights: f.Rights, Share: f.Share, Traverse: f.Traverse, Parts: f.Parts, Deciders: f.Parts,
		Replicas: f.Replicas, Servers: slices.Clone(f.NATS), Hosts: map[string][]string{}, Followers: f.running(follow)}
	for _, name := range f.running(broker) {
		s.Servers = append(s.Servers, (&url.URL{Scheme: "tls", Host: f.at(name, f.Port)}).String())
	}
	for _, name := range f.running(watch) {
		s.Hosts[name] = f.Machines[name].Trees
	}
	if s.Replicas == 0 && len(s.Servers) >= 3 {
		s.Replicas = 3
	}
	return s
}

// at returns the network address of a port on one of the file's machines, as HOST:PORT.
func (f *File) at(machine string, port int) string {
	return net.JoinHostPort(f.Machines[machine].Address, strconv.Itoa(port))
}
