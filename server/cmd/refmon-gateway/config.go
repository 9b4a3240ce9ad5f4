package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/cli/configfile"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
	"github.com/refmon/refmon/server/gateway"
)

// shipped is the default configuration, with every key.
//
//go:embed refmon-gateway.yaml
var shipped []byte

// settings are the keys of the configuration file.
type settings struct {
	Socket       string            `json:"socket"`
	Owner        uint32            `json:"owner"`
	Files        string            `json:"files"`
	Console      string            `json:"console"`
	Names        []string          `json:"names"`
	Trees        []string          `json:"trees"`
	Certificate  string            `json:"certificate"`
	Key          string            `json:"key"`
	State        string            `json:"state"`
	Negotiate    bool              `json:"negotiate"`
	Certificates map[string]string `json:"certificates"`
	Strict       int               `json:"strictTransportSecurity"`
	AuthZEN      authzenSettings   `json:"authzen"`
	Index        indexSettings     `json:"index"`
	ForwardAuth  forwardSettings   `json:"forwardAuth"`
	Limits       struct {
		Sessions      int   `json:"sessions"`
		SessionLife   int   `json:"sessionLife"`
		Threads       int   `json:"threads"`
		Connections   int   `json:"connections"`
		LargestUpload int64 `json:"largestUpload"`
	} `json:"limits"`
	Log struct {
		Level string `json:"level"`
	} `json:"log"`
}

// config is a validated configuration.
type config struct {
	settings
	level     slog.Level
	life      time.Duration
	questions *gateway.AuthZEN // nil: off
	index     *gateway.Index   // nil: off
	forward   gateway.ForwardAuth
}

// load returns the validated configuration: the defaults, overridden by the keys of a file. If file is "", it returns
// the defaults. An error has the file's name and, if known, the line. The defaults are checked, too. A missing file is
// an error.
func load(file string) (*config, error) {
	var c config
	if err := c.read(shipped); err != nil {
		return nil, fmt.Errorf("the configuration inside refmon-gateway: %w", err)
	}
	if file == "" {
		return &c, c.check()
	}
	text, err := configfile.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("configuration: %w; refmon-gateway config print > FILE writes one", err)
	} else if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err = c.read(text); err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", file, err)
	}
	return &c, nil
}

// checkConfig validates a configuration file, or the defaults if file is "", and loads the configured certificate and
// key. On success it returns a line with the addresses. It opens no port and writes no file.
func checkConfig(file string) (string, error) {
	c, err := load(file)
	if err != nil {
		return "", err
	}
	if c.Certificate != "" {
		if _, _, err := c.certificate(); err != nil {
			return "", fmt.Errorf("configuration %s: %w", file, err)
		}
	}
	if c.Console == "" {
		return fmt.Sprintf("files at %s, no console", c.Files), nil
	}
	return fmt.Sprintf("files at %s, console at %s", c.Files, c.Console), nil
}

// read sets the fields of the keys in text, which is YAML or JSON, and keeps the others. An error has the line.
func (c *config) read(text []byte) error {
	json, marks, err := strictyaml.JSON(text)
	if err != nil {
		return err
	}
	return strict.Locate(json, marks, strict.Unmarshal(json, &c.settings))
}

var (
	sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
	// hostForm has the characters of a host name in a Host header, where other letters are in Punycode.
	hostForm = regexp.MustCompile(`^[0-9A-Za-z._-]+$`)
)

// check validates the settings and sets level, life, questions and forward. It returns an error for the first invalid
// setting; these fields may then be partly set. The file of types is the only file it reads.
func (c *config) check() error {
	if err := c.level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %q, want debug, info, warn or error", c.Log.Level)
	}
	l := &c.Limits
	if min(l.Sessions, l.SessionLife, l.Threads, l.Connections) < 1 || l.Threads > 1000 || l.LargestUpload < 1 {
		return errors.New("limits: each must be at least 1, threads at most 1000")
	}
	if c.Strict < 0 || int64(c.Strict) > configfile.LongestTime {
		return fmt.Errorf("strictTransportSecurity: %d, want at most %d seconds, or 0 for off", c.Strict,
			configfile.LongestTime)
	}
	if int64(l.SessionLife) > configfile.LongestTime {
		return fmt.Errorf("limits.sessionLife: %d, want at most %d seconds", l.SessionLife, configfile.LongestTime)
	}
	c.life = time.Duration(l.SessionLife) * time.Second
	if c.Files == "" || c.Files == c.Console {
		return errors.New("files and console need two addresses: pages in users' files must have an origin of their own")
	}
	for _, tree := range c.Trees {
		if tree == "" || strings.ContainsAny(tree, `/\:`) {
			return fmt.Errorf("trees: %q is not the name of a tree", tree)
		}
	}
	for _, name := range c.Names {
		if net.ParseIP(name) == nil && !hostForm.MatchString(name) {
			return fmt.Errorf("names: %q: want a host name in ASCII or an IP address, without a port or brackets", name)
		}
	}
	for _, print := range slices.Sorted(maps.Keys(c.Certificates)) {
		if !sha256Form.MatchString(print) || c.Certificates[print] == "" {
			return fmt.Errorf("certificates: %q: want the SHA-256 in 64 small hexadecimal digits, and an account", print)
		}
	}
	if (c.Certificate == "") != (c.Key == "") {
		return errors.New("certificate and key must be given together")
	}
	for _, at := range []string{c.Files, c.Console} {
		if at == "" {
			continue
		}
		if err := c.listens(at); err != nil {
			return err
		}
	}
	return c.checkQuestions()
}

// listens returns an error if the gateway cannot serve the address at. at must be a host and port. Without a configured
// certificate the host must be localhost or a loopback address. The key names must not be empty.
func (c *config) listens(at string) error {
	host, port, err := net.SplitHostPort(at)
	if err == nil {
		_, err = net.LookupPort("tcp", port) // a number or a name of /etc/services, without DNS
	}
	if err != nil {
		return fmt.Errorf("%q is not an address and port: %w", at, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && c.Certificate == "" {
		return fmt.Errorf("%s is not a loopback address: give certificate and key", at)
	}
	if len(c.Names) == 0 {
		return errors.New("names: list the host names that clients use")
	}
	return nil
}
