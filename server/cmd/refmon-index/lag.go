package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/index/cluster/stages"
)

type lagCmd struct {
	Site string `help:"The folder of the site." default:"/etc/refmon-index" placeholder:"DIR"`
}

// Help returns the long text of --help for the command lag.
func (lagCmd) Help() string {
	return `Run it on a machine with the key of the keeper, that is one with a broker or keep.

For each worker and follower it prints how many messages of a stream wait for
it. SEEN are reports of watchers and CLASS are new classes of documents, which
wait for workers. ROWS and PEOPLE are results, which wait for followers. Both
report what they have read every two seconds. "refmon-index status" prints the lag of a follower in time.`
}

// lagWithin is the longest time that the command waits for a NATS server and its answers.
const lagWithin = 10 * time.Second

// Run prints a line for each process. It returns an error if no server answers within ten seconds.
func (c *lagCmd) Run(std *streams) error {
	ctx, stop := context.WithTimeout(context.Background(), lagWithin)
	defer stop()
	k, err := dial(std, c.Site, site.Keeper)
	if err != nil {
		return err
	}
	defer k.Close()
	if k.Wait(ctx) != nil {
		return errors.New("no NATS server of the site answers")
	}
	list, err := stages.Lags(ctx, k)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "stream\twaiting\treader")
	for _, l := range list {
		fmt.Fprintf(out, "%s\t%d\t%s\n", l.Stream, l.Waiting, l.Reader)
	}
	return out.Flush()
}
