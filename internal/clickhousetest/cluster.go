package clickhousetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/throwaway"
)

// ClusterName is what the servers of a cluster call it.
const ClusterName = "test"

// zooKeeper is where Debian puts it.
const zooKeeper = "/usr/share/java/zookeeper.jar"

const clusterConfig = `<zookeeper><node><host>127.0.0.1</host><port>%[1]d</port></node><session_timeout_ms>6000</session_timeout_ms></zookeeper>
<remote_servers><` + ClusterName + `><shard><internal_replication>true</internal_replication>%[2]s</shard></` + ClusterName + `></remote_servers>
<macros><shard>1</shard><replica>r%[3]d</replica></macros>
<distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
<interserver_http_host>127.0.0.1</interserver_http_host>
`

// StartCluster starts one shard of n servers that hold the same, and the
// ZooKeeper through which they agree. Where either is not installed the test is
// skipped.
func StartCluster(t testing.TB, n int) []*Server {
	t.Helper()
	if _, err := exec.LookPath("clickhouse-server"); err != nil {
		t.Skip("ClickHouse is not installed, so nothing is tested on it (apt install clickhouse-server)")
	}
	keeper := startZooKeeper(t)
	servers := make([]*Server, n)
	var replicas strings.Builder
	for i := range servers {
		servers[i] = newServer(t)
		fmt.Fprintf(&replicas, "<replica><host>127.0.0.1</host><port>%d</port></replica>", servers[i].tcp)
	}
	for i, s := range servers {
		s.start(t, fmt.Sprintf(clusterConfig, keeper, replicas.String(), i))
	}
	return servers
}

// startZooKeeper returns the port on which it listens.
func startZooKeeper(t testing.TB) int {
	t.Helper()
	if _, err := os.Stat(zooKeeper); err != nil {
		t.Skip("ZooKeeper is not installed, so no cluster is tested (apt install zookeeper)")
	}
	dir, port := throwaway.Dir(t), throwaway.Port(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := exec.CommandContext(context.Background(), "java", "-Xmx128m", "-Dzookeeper.admin.enableServer=false", "-cp", zooKeeper,
		"org.apache.zookeeper.server.ZooKeeperServerMain", strconv.Itoa(port), filepath.Join(dir, "data"))
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended by itself
		_ = c.Wait()         // it says how it was told to end
	})
	// ClickHouse 18.16 dies of a ZooKeeper that listens and is not ready.
	throwaway.Await(t, log.Name(), func() error { return isServing(port) })
	return port
}

// isServing asks ZooKeeper of itself.
func isServing(port int) error {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer conn.Close()
	// One that was asked too early may neither answer nor hang up.
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("srvr")); err != nil {
		return err
	}
	answer, err := io.ReadAll(conn)
	if err == nil && !bytes.HasPrefix(answer, []byte("Zookeeper version")) {
		err = fmt.Errorf("ZooKeeper says %q", answer)
	}
	return err
}
