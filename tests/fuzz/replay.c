/* Feeds every file of the given folders or files to a fuzz target once: for builds without
 * libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    struct stat info;
    uint8_t *data = NULL;
    size_t size = 0;
    if (fstat(fileno(file), &info) == 0) {
        /* Exactly as large as the input, so that a sanitizer sees a read behind it. */
        data = malloc(info.st_size > 0 ? (size_t)info.st_size : 1);
        size = data ? fread(data, 1, (size_t)info.st_size, file) : 0;
    }
    (void)fclose(file);
    if (!data) {
        fprintf(stderr, "%s: out of memory\n", path);
        return -1;
    }
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

static int replay_folder(const char *path, int *count) {
    DIR *folder = opendir(path);
    if (!folder) {
        perror(path);
        return -1;
    }
    int status = 0;
    for (struct dirent *entry; status == 0 && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        status = replay_file(file);
        *count += 1;
    }
    (void)closedir(folder);
    return status;
}

int main(int argc, char **argv) {
    int count = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        int is_folder = stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode);
        count += is_folder ? 0 : 1;
        if ((is_folder ? replay_folder(argv[i], &count) : replay_file(argv[i])) < 0) {
            return 1;
        }
    }
    printf("replayed %d inputs\n", count);
    return count > 0 ? 0 : 1;
}
