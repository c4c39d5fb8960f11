//go:build cgo && linux

// Package chdbtest has a current ClickHouse for tests, from the library chDB, which
// holds all of it but the server: it is loaded into the test, behind as much of the
// HTTP interface as the client needs.
package chdbtest

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

typedef struct {
	void **(*connect)(int, char **);
	void (*close)(void **);
	void *(*query)(void *, const char *, size_t, const char *, size_t);
	char *(*buffer)(void *);
	size_t (*length)(void *);
	const char *(*error)(void *);
	void (*destroy)(void *);
} chdb;

static const char *chdb_load(chdb *l, const char *path) {
	void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (h == NULL) return dlerror();
	void (*signals)(int) = (void (*)(int))dlsym(h, "chdb_set_signal_handlers_enabled");
	if (signals != NULL) signals(0); // they are Go's
	l->connect = (void **(*)(int, char **))dlsym(h, "chdb_connect");
	l->close = (void (*)(void **))dlsym(h, "chdb_close_conn");
	l->query = (void *(*)(void *, const char *, size_t, const char *, size_t))dlsym(h, "chdb_query_n");
	l->buffer = (char *(*)(void *))dlsym(h, "chdb_result_buffer");
	l->length = (size_t (*)(void *))dlsym(h, "chdb_result_length");
	l->error = (const char *(*)(void *))dlsym(h, "chdb_result_error");
	l->destroy = (void (*)(void *))dlsym(h, "chdb_destroy_query_result");
	if (!l->connect || !l->close || !l->query || !l->buffer || !l->length || !l->error || !l->destroy) return "it lacks functions of chDB";
	return NULL;
}
static void **chdb_open(chdb *l, char *path) {
	char *args[] = {"clickhouse", path};
	return l->connect(2, args);
}
static void chdb_shut(chdb *l, void **conn) { l->close(conn); }
static void *chdb_run(chdb *l, void **conn, const char *query, size_t n) { return l->query(*conn, query, n, "Native", 6); }
static const char *chdb_failed(chdb *l, void *r) { return l->error(r); }
static char *chdb_bytes(chdb *l, void *r) { return l->buffer(r); }
static size_t chdb_size(chdb *l, void *r) { return l->length(r); }
static void chdb_free(chdb *l, void *r) { l->destroy(r); }
*/
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// Variable names the library for the tests, the libchdb.so of the npm package
// @chdb/lib-linux-x64-gnu.
const Variable = "BEFOREHAND_CHDB"

// Server is a ClickHouse in this process. There can be one.
type Server struct {
	http *httptest.Server
	lib  *C.chdb
	rows string // file of the rows of an insert: among a statement some bytes end it

	mu   sync.Mutex // one query at a time
	conn *unsafe.Pointer
	next int
}

// Start loads the library and lets go of it when the test ends. Where none is
// named the test is skipped.
func Start(t testing.TB) *Server {
	t.Helper()
	path := os.Getenv(Variable)
	if path == "" {
		t.Skipf("%s does not name a libchdb.so, so nothing is tested on a current ClickHouse", Variable)
	}
	s := &Server{lib: (*C.chdb)(C.malloc(C.sizeof_chdb)), rows: filepath.Join(t.TempDir(), "rows")}
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	if failed := C.chdb_load(s.lib, cpath); failed != nil {
		t.Fatalf("load %s: %s", path, C.GoString(failed))
	}
	dir := C.CString("--path=" + t.TempDir())
	defer C.free(unsafe.Pointer(dir))
	if s.conn = C.chdb_open(s.lib, dir); s.conn == nil {
		t.Fatal("chDB does not open")
	}
	s.http = httptest.NewServer(s)
	t.Cleanup(func() {
		s.http.Close()
		C.chdb_shut(s.lib, s.conn)
	})
	return s
}

// Database is how to reach a database that is not there yet.
func (s *Server) Database(testing.TB) string {
	s.next++
	return fmt.Sprintf("%s/test%d?compress=none", s.http.URL, s.next)
}

// ServeHTTP answers queries in the format Native.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	statement := body
	if q := r.URL.Query().Get("query"); q != "" { // an insert, whose body is rows
		insert, ok := strings.CutSuffix(strings.TrimSpace(q), "FORMAT Native")
		if err := os.WriteFile(s.rows, body, 0o600); err != nil || !ok {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintln(w, "an insert that is none of rows in the format Native:", q, err)
			return
		}
		statement = fmt.Appendf(nil, "%s FROM INFILE '%s' FORMAT Native", insert, s.rows)
	}
	if database := r.URL.Query().Get("database"); database != "" {
		_, err = s.run([]byte("USE " + database))
	}
	var answer []byte
	if err == nil {
		answer, err = s.run(statement)
	}
	if err == nil {
		answer, err = inRevision(answer)
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintln(w, err)
		return
	}
	w.Write(answer)
}

func (s *Server) run(statement []byte) ([]byte, error) {
	r := C.chdb_run(s.lib, s.conn, (*C.char)(unsafe.Pointer(unsafe.SliceData(statement))), C.size_t(len(statement)))
	if r == nil {
		return nil, errors.New("chDB does not answer")
	}
	defer C.chdb_free(s.lib, r)
	if failed := C.chdb_failed(s.lib, r); failed != nil {
		if text := C.GoString(failed); text != "" {
			return nil, errors.New(strings.TrimSpace(text))
		}
	}
	return C.GoBytes(unsafe.Pointer(C.chdb_bytes(s.lib, r)), C.int(C.chdb_size(s.lib, r))), nil
}

// inRevision writes blocks as a server does to a client of the newest revision.
func inRevision(answer []byte) ([]byte, error) {
	in := chproto.NewReader(bytes.NewReader(answer))
	var out chproto.Buffer
	for {
		b := proto.NewBlock()
		if err := b.Decode(in, 0); errors.Is(err, io.EOF) {
			return out.Buf, nil
		} else if err != nil {
			return nil, err
		}
		if err := b.Encode(&out, uint64(chproto.Version)); err != nil {
			return nil, err
		}
	}
}
