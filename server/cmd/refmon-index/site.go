package main

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/cli/configfile"
	"github.com/refmon/refmon/server/index/cluster/deploy"
)

type siteCmd struct {
	File   string `arg:"" help:"The site file, in YAML."`
	Folder string `arg:"" help:"The folder for the files, created if it is missing."`
	DryRun bool   `help:"Print what differs and write nothing." short:"n"`
}

// Help returns the long text of --help for the command site.
func (siteCmd) Help() string {
	return `Writes the keys, the configuration and the systemd units of each machine of an index into
FOLDER/MACHINE, and prints the command that installs them on the machine. FOLDER/keys has the secrets
of the site. Run it again after a change of the file: it keeps all keys and changes only files that
differ. A site file:

  directory: /etc/refmon-index/company.yaml
  postgres: host=/run/postgresql dbname=search
  machines:
    mq1: {runs: [broker, work]}
    mq2: {runs: [broker, work]}
    mq3: {runs: [broker]}
    files1: {runs: [watch], trees: [/srv]}
    search1: {runs: [directory, follow]}

See docs/search.md for all keys.`
}

// Run prints what differs between the site file and the folder, and makes them equal unless --dry-run is set. An
// invalid file and a change that a site cannot make are errors; then it writes nothing. After an error of writing, the
// folder may be partly written.
func (c *siteCmd) Run(std *streams) error {
	if c.Folder == "" { // "" would mean the working directory
		return errors.New("FOLDER is empty: name the folder for the files")
	}
	text, err := configfile.Read(c.File)
	if err != nil {
		return err
	}
	f, err := deploy.Read(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	p, err := deploy.Compare(f, c.Folder)
	if err != nil {
		return err
	}
	// Print first: after a failed write the next run prints only the rest, but the commands of the files that were
	// written are still needed.
	if err := p.Print(std.out); err != nil || c.DryRun {
		return err
	}
	if err := p.Write(); err != nil {
		return fmt.Errorf("%w: run this again, and then the commands that both runs print", err)
	}
	return nil
}
