// Command webapp is the demonstration application of the development cluster: it answers with the pod and the
// node that served the request, so that a reader sees the Service spread its traffic.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"html/template"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

type answer struct {
	Pod      string `json:"pod"`
	Node     string `json:"node"`
	Client   string `json:"client"`
	Requests int64  `json:"requests"`
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<meta charset="utf-8"><title>webapp</title>
<style>body{font:18px sans-serif;margin:4em auto;max-width:32em}b{font-family:monospace}</style>
<h1>It runs.</h1>
<p>Pod <b>{{.Pod}}</b> on node <b>{{.Node}}</b> served you, {{.Client}}; its request number {{.Requests}}.</p>
<p>Reload: another pod may answer.</p>
`))

func main() {
	address := flag.String("listen", ":8080", "address to listen on")
	flag.Parse()
	hostname, err := os.Hostname()
	if err != nil {
		log.Fatal(err)
	}
	pod, node := env("POD_NAME", hostname), env("NODE_NAME", "unknown")
	var requests atomic.Int64
	var ending atomic.Bool

	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ending.Load() {
			http.Error(w, "shutting down", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		told := answer{Pod: pod, Node: node, Client: r.RemoteAddr, Requests: requests.Add(1)}
		switch {
		case strings.Contains(r.Header.Get("Accept"), "text/html"):
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = page.Execute(w, told)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(told)
		}
	})

	server := &http.Server{Addr: *address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-stop.Done()
		ending.Store(true)
		limit, release := context.WithTimeout(context.Background(), 10*time.Second)
		defer release()
		_ = server.Shutdown(limit)
	}()
	log.Printf("pod %s on node %s listens on %s", pod, node, *address)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-done
}

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
