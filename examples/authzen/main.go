// Command authzen is a policy decision point for the records of records.yaml. It serves OpenID's AuthZEN Authorization
// API on a loopback address. docs/authzen.md explains the file, walk.sh asks it questions.
//
//	go run .
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/server/authzen"
)

//go:embed records.yaml
var records []byte

// main serves the AuthZEN API until it is interrupted. It exits with 1 after an error.
func main() {
	listen := flag.String("listen", "127.0.0.1:8180", "loopback address")
	dir := flag.String("audit", "", "folder of the audit log, which records each question; none if empty")
	flag.Parse()
	if err := serve(*listen, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "authzen:", err)
		os.Exit(1)
	}
}

// serve answers questions until the server fails. The secrets of the two clients are public: use others.
func serve(listen, dir string) error {
	types, err := authzen.ReadTypes(records)
	if err != nil {
		return fmt.Errorf("records.yaml: %w", err)
	}
	log, err := open(dir)
	if err != nil {
		return err
	}
	h, err := authzen.New(authzen.Config{URL: "http://" + listen, Evaluator: types.Asking(log),
		Caller: authzen.Bearer(map[string]authzen.Caller{"gateway-secret": {Type: "service", ID: "gateway"},
			"guest-secret": {Type: "service", ID: "guest"}})})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: h, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	fmt.Println("serving http://" + listen)
	return web.Serve(l)
}

// open opens the audit log in a folder, which stores every question before its answer is sent. It returns nil for "".
func open(dir string) (*audit.Log, error) {
	if dir == "" {
		return nil, nil
	}
	sink, err := auditlog.Open(auditlog.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System:  map[audit.Subcategory]audit.Setting{audit.KernelObject: audit.OnBoth},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}})
	log := &audit.Log{Sink: sink, Clock: auditlog.Now, Computer: "authzen"}
	log.Policy.Store(policy)
	return log, err
}
