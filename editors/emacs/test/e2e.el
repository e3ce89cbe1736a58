;;; e2e.el --- end-to-end test with eglot  -*- lexical-binding: t; -*-

;; Run by e2e_test.go: emacs --batch -L editors/emacs -l e2e.el with the
;; variables REFIT (the binary) and FILE (a Dockerfile to edit). Prints "ok"
;; and exits with 0, or the failure and exits with 1.

;;; Code:

(require 'package)
(package-initialize)
(unless (require 'eglot nil t)
  (princ "skip: eglot is not installed (Debian: apt-get install elpa-eglot)\n")
  (kill-emacs 0))
(require 'cl-lib)
(require 'flymake)
(require 'refit)

(unless (fboundp 'dockerfile-mode)
  (define-derived-mode dockerfile-mode prog-mode "Dockerfile"
    (setq-local comment-start "# ")))

(defvar formatted "FROM debian:12-slim AS base
# a whale: 🐳
RUN echo one
RUN echo two \\
    && echo 日本
COPY --from=base /a /b
CMD [\"python3\", \"/app.py\"]
ENV A=1
ENV B=2
")

(defun equal-or-fail (got want what)
  "Fail unless GOT equals WANT; WHAT says of what."
  (unless (equal got want)
    (error "%s:\ngot  %S\nwant %S" what got want)))

(defun wait-for (what condition)
  "Wait for CONDITION, a function; WHAT describes it."
  (let ((end (+ (float-time) 20)))
    (while (and (not (funcall condition)) (< (float-time) end))
      (accept-process-output nil 0.05)
      (sit-for 0.01))
    (unless (funcall condition)
      (error "waited in vain for %s" what))))

(defun on-disk (file)
  "The text of FILE."
  (with-temp-buffer
    (insert-file-contents file)
    (buffer-string)))

(defun codes ()
  "The codes and texts of the buffer's diagnostics, after a new check."
  (flymake-start)
  (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))

(defun test ()
  "The test."
  (setq last-nonmenu-event ?x)          ; a key, not a mouse click
  (let* ((file (getenv "FILE"))
         (before (on-disk file))
         (eglot-sync-connect 20)
         (eglot-autoshutdown nil)
         (make-backup-files nil)
         (create-lockfiles nil))
    (setq refit-command (list (getenv "REFIT") "lsp"))
    (refit-setup)
    (find-file file)
    (dockerfile-mode)
    (run-hooks 'post-command-hook)      ; eglot-ensure waits for the command loop
    (wait-for "the server" (lambda () (and (eglot-managed-p) (eglot-current-server))))

    ;; Diagnostics.
    (wait-for "diagnostics"
              (lambda () (cl-some (lambda (text) (string-match-p "merge 2 RUN" text)) (codes))))

    ;; Saving formats; point stays on its word.
    (buffer-enable-undo)
    (goto-char (point-min))
    (search-forward "/app")
    (set-buffer-modified-p t)
    (undo-boundary)
    (save-buffer)
    (equal-or-fail (on-disk file) formatted "the file after saving")
    (equal-or-fail (buffer-substring-no-properties (point-min) (point-max)) formatted "the buffer after saving")
    (equal-or-fail (buffer-substring-no-properties (- (point) 4) (point)) "/app" "the text at point")

    ;; Undo gives the text that was typed, in one step.
    (undo-boundary)
    (let ((last-command nil)) (undo))
    (equal-or-fail (buffer-substring-no-properties (point-min) (point-max)) before "the buffer after undo")
    (erase-buffer)
    (insert formatted)
    (eglot--signal-textDocument/didChange)

    ;; A code action through eglot's own command and menu.
    (goto-char (point-min))
    (search-forward "RUN")
    (let (offered)
      (cl-letf (((symbol-function 'completing-read)
                 (lambda (_prompt collection &rest _)
                   (setq offered (all-completions "" collection))
                   (or (cl-find-if (lambda (title) (string-prefix-p "Merge 2 RUN" title)) offered)
                       (error "Offered: %S" offered)))))
        (eglot-code-actions (point) (point) nil t))
      (wait-for "the code action"
                (lambda () (= 1 (count-matches "RUN " (point-min) (point-max)))))
      (goto-char (point-min))
      (search-forward "日本"))

    ;; A file with a syntax error keeps its text.
    (erase-buffer)
    (insert "FROM debian\nRUNN   x\n")
    (let ((broken (buffer-string)))
      (save-buffer)
      (equal-or-fail (on-disk file) broken "a file with a syntax error after saving"))
    (wait-for "the syntax error"
              (lambda () (cl-some (lambda (text) (string-match-p "unknown instruction: RUNN" text)) (codes))))

    ;; All safe changes.
    (erase-buffer)
    (insert "FROM debian:12\nADD a /b/\nRUN apt-get update && apt-get install -y curl\n")
    (eglot--signal-textDocument/didChange)
    (refit-fix-all)
    (wait-for "all changes" (lambda () (save-excursion (goto-char (point-min)) (search-forward "COPY a /b/" nil t))))
    (goto-char (point-min))
    (search-forward "rm -rf /var/lib/apt/lists")
    (set-buffer-modified-p nil)
    (eglot-shutdown (eglot-current-server))))

(condition-case err
    (progn (test)
           (princ "ok\n")
           (kill-emacs 0))
  (error (princ (format "%s\n" (error-message-string err)))
         (let ((server (eglot-current-server)))
           (when server (princ (with-current-buffer (jsonrpc-events-buffer server)
                                 (buffer-substring-no-properties (max (point-min) (- (point-max) 3000)) (point-max))))))
         (kill-emacs 1)))
;;; e2e.el ends here
